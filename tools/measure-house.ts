// `npm run house`: figures about the size and structure of the repository, by room. `--tree PATH` measures another
// checkout, so that a redesign can be compared with the previous state.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Import, importCircles, importsOf } from "./imports.ts";
import { root } from "./source-tree.ts";
import { countWords } from "./words.ts";

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Lines that are neither blank nor only a comment. */
  readonly codeLines: number;
  readonly lines: number;
  readonly room: string;
  readonly kind: "product" | "proof" | "test";
}

/** Folders whose code proves or measures the product. */
const proofRooms =
  /^(proof|\w+\/(conformance|simulator|local-servers|bench|chaos|checkout-world|books|launcher|topology))\//;
const testFiles = /(\.test\.ts$|^tests\/|\/test-kit\/|^proof\/system\/)/;

/** How a type begins after `as`. */
const type = /[A-Z{([]|readonly |(?:unknown|never|any|string|number|boolean|object|keyof|typeof)\b/.source;
const cast = new RegExp(`\\bas (?:unknown as )?(?!const\\b)(?:${type})`, "g");

const { values } = parseArgs({ options: { tree: { type: "string" }, json: { type: "boolean" } } });
const tree = resolve(values.tree ?? root);
const files = readTree(tree);
const report = { ...totals(files), rooms: rooms(files) };
if (values.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else print();

function readTree(folder: string): SourceFile[] {
  const listed = execFileSync("git", ["ls-files"], { cwd: folder, encoding: "utf8" }).split("\n");
  return listed
    .filter((path) => /\.(ts|mjs)$/.test(path) && existsSync(join(folder, path)))
    .map((path) => {
      const text = readFileSync(join(folder, path), "utf8");
      const all = text.split("\n");
      const kind = testFiles.test(path) ? "test" : proofRooms.test(path) ? "proof" : "product";
      const codeLines = all.filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length;
      return { path, text, codeLines, lines: all.length - 1, room: roomOf(path), kind };
    });
}

/** The package, or the layer of a package that has layers. */
function roomOf(path: string): string {
  const parts = path.split("/");
  const isLayered = parts[0] === "packages" && parts[1] === "assent" && parts[2] === "src" && parts.length > 4;
  return parts.slice(0, isLayered ? 4 : Math.min(2, parts.length - 1)).join("/") || ".";
}

function rooms(all: readonly SourceFile[]) {
  const byRoom = Map.groupBy(all, ({ room }) => room);
  return sortedByName(byRoom).map(([room, members]) => {
    const lengths = members.map(({ lines }) => lines).sort((a, b) => a - b);
    const at = (part: number): number => lengths[Math.floor((lengths.length - 1) * part)] ?? 0;
    const lines = lengths.reduce((sum, each) => sum + each, 0);
    return { room, files: members.length, lines, median: at(0.5), p90: at(0.9), max: at(1) };
  });
}

function sortedByName<T>(named: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...named].sort(([one], [other]) => (one < other ? -1 : 1));
}

function totals(all: readonly SourceFile[]) {
  const linesOf = (kind: SourceFile["kind"]): number =>
    all.filter((file) => file.kind === kind).reduce((sum, { lines }) => sum + lines, 0);
  const code = all.filter(({ kind }) => kind !== "test");
  const protocol = code.filter(({ path }) => /^packages\/(protocol\/src|assent\/src\/protocol)\//.test(path));
  const imports = code.flatMap(({ path, text }) => importsOf(path, text));
  return {
    lines: { product: linesOf("product"), proof: linesOf("proof"), tests: linesOf("test") },
    protocolAssertionsPerThousandLines: assertionsPerThousand(protocol),
    casts: code.reduce((sum, { text }) => sum + castsIn(text), 0),
    exports: exportsOf(code, imports),
    importCircles: importCircles(imports),
    wordsToReplace: words(tree),
  };
}

function assertionsPerThousand(protocol: readonly SourceFile[]): number {
  const found = protocol.reduce(
    (sum, { text }) => sum + (text.match(/^\s*(invariant|relation|check)\(/gm)?.length ?? 0),
    0,
  );
  const lines = protocol.reduce((sum, { codeLines }) => sum + codeLines, 0);
  return Math.round((found / lines) * 1_000);
}

/** Casts to a type. `as const` is none, and neither are names in imports and exports, nor words of texts. */
function castsIn(text: string): number {
  const code = text
    .replace(/^\s*(\/\/|\/?\*).*$/gm, "")
    .replace(/^(import|export) [^;]*? from [^;]*;/gms, "")
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""')
    .replace(/\/\/.*$/gm, "");
  return code.match(cast)?.length ?? 0;
}

/** Of each package: exported names, and how many of them other packages import. */
function exportsOf(code: readonly SourceFile[], imports: readonly Import[]) {
  const packages = Map.groupBy(code, ({ path }) => path.split("/").slice(0, 2).join("/"));
  return sortedByName(packages)
    .filter(([folder]) => existsSync(join(tree, folder, "package.json")))
    .map(([folder]) => {
      const { name } = JSON.parse(readFileSync(join(tree, folder, "package.json"), "utf8")) as { name: string };
      const outside = imports.filter(({ from, target }) => target === name && !from.startsWith(`${folder}/`));
      const exported = new Set(exportedNames(join(tree, folder, "src/index.ts"), new Set()));
      return { package: name, exported: exported.size, used: new Set(outside.flatMap(({ names }) => names)).size };
    });
}

function exportedNames(file: string, seen: Set<string>): string[] {
  if (seen.has(file) || !existsSync(file)) return [];
  seen.add(file);
  const text = readFileSync(file, "utf8");
  const own = [
    ...text.matchAll(
      /^export (?:declare )?(?:async )?(?:abstract )?(?:const|let|function\*?|class|interface|type) (\w+)/gm,
    ),
  ].map(([, name = ""]) => name);
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = ""]) => namesIn(names));
  const all = [...text.matchAll(/^export \* from "(\.[^"]+)"/gm)].flatMap(([, path = ""]) =>
    exportedNames(join(file, "..", path), seen),
  );
  return [...own, ...listed, ...all];
}

function namesIn(list: string): string[] {
  return list
    .split(",")
    .map((item) =>
      item
        .trim()
        .replace(/^type /, "")
        .replace(/^.* as /, ""),
    )
    .filter((name) => name !== "");
}

function words(folder: string): number {
  const listed = execFileSync("git", ["ls-files"], { cwd: folder, encoding: "utf8" }).split("\n");
  return listed
    .filter(
      (path) => /\.(ts|mjs|md|json)$/.test(path) && !/^(package-lock\.json|tools\/words\.ts|CHANGELOG\.md)$/.test(path),
    )
    .filter((path) => existsSync(join(folder, path)))
    .reduce((sum, path) => sum + countWords(readFileSync(join(folder, path), "utf8")), 0);
}

function print(): void {
  const { lines } = report;
  const ratio = (part: number): string => (part / lines.product).toFixed(2);
  console.log(`room                            files  lines  median  p90  max`);
  for (const { room, files: count, lines: sum, median, p90, max } of report.rooms) {
    const figures = [
      [count, 5],
      [sum, 7],
      [median, 8],
      [p90, 5],
      [max, 5],
    ] as const;
    console.log(room.padEnd(32) + figures.map(([figure, width]) => String(figure).padStart(width)).join(""));
  }
  console.log(`product ${lines.product} lines`);
  console.log(`proof ${lines.proof} (${ratio(lines.proof)} of product), tests ${lines.tests} (${ratio(lines.tests)})`);
  console.log(`assertions in 1,000 lines of protocol: ${report.protocolAssertionsPerThousandLines}`);
  console.log(`casts: ${report.casts}`);
  for (const { package: name, exported, used } of report.exports) {
    console.log(`${name.padEnd(32)} exports ${String(exported).padStart(4)} names, ${used} used by other packages`);
  }
  console.log(`circles of imports: ${report.importCircles.length}`);
  for (const circle of report.importCircles) console.log(`  ${circle.join(" → ")}`);
  console.log(`words to replace: ${report.wordsToReplace}`);
}

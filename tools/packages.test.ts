// Each package can be installed separately: it declares its imports, and contains all its parts.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { type Import, importsOf } from "./imports.ts";
import { root, sourceFiles } from "./source-tree.ts";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
}

const files = sourceFiles();
const folders = files
  .filter((path) => /^(packages|checkout|proof)\/[^/]+\/package\.json$/.test(path))
  .map((path) => dirname(path));

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;

/** Imports of the published files; tests and their kits are not published. */
function importsOfPackage(folder: string): readonly Import[] {
  return files
    .filter((path) => path.startsWith(`${folder}/src/`) && path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .flatMap((path) => importsOf(path, readFileSync(join(root, path), "utf8")));
}

test("every package declares what it imports, and imports no file of another by path", () => {
  const findings: string[] = [];
  let seen = 0;
  for (const folder of folders) {
    const { name, dependencies = {} } = manifestOf(folder);
    for (const { from: path, specifier: imported, target } of importsOfPackage(folder)) {
      seen += 1;
      if (imported.startsWith(".")) {
        if (relative(join(folder, "src"), target).startsWith("..")) findings.push(`${path} reaches out to ${target}`);
        continue;
      }
      if (imported.startsWith("node:") || builtinModules.includes(imported)) continue;
      const wanted = imported
        .split("/")
        .slice(0, imported.startsWith("@") ? 2 : 1)
        .join("/");
      if (wanted !== name && !(wanted in dependencies)) findings.push(`${path} imports ${wanted}, undeclared`);
    }
  }
  assert.deepEqual(findings, []);
  assert.ok(folders.length > 10 && seen > 300, `${folders.length} packages, ${seen} imports`);
});

test("the exports of a package exist, and the library needs nothing else", () => {
  for (const folder of folders) {
    for (const target of Object.values(manifestOf(folder).exports ?? {})) {
      assert.ok(existsSync(join(root, folder, target)), `${folder}: ${target}`);
    }
  }
  assert.deepEqual(Object.keys(manifestOf("packages/assent").dependencies ?? {}), []);
});

test("the library knows nothing of orders, stock or payment", () => {
  const library = files.filter((path) => /^packages\/assent\/src\/.*\.ts$/.test(path));
  const shipped = library.filter((path) => !path.endsWith(".test.ts"));
  assert.ok(shipped.length > 20);
  for (const path of shipped) {
    const code = readFileSync(join(root, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /insufficient_|["'`](stock|payment|credit)\b/, path);
  }
});

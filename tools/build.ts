// `npm run build`: compiles every package of `packages` into a folder of its own, as it is published: ESM, types,
// manifest, README and licence (ADR 0030). `--out DIR` builds elsewhere than in `dist`; `--pack DIR` writes tarballs.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type PublishedPackage, publishedManifest, publishedPackages } from "./published-packages.ts";
import { root } from "./source-tree.ts";

const { values } = parseArgs({ options: { out: { type: "string", default: "dist" }, pack: { type: "string" } } });
const out = resolve(root, values.out);
const packages = publishedPackages();

compile();
for (const each of packages) complete(each);
if (values.pack !== undefined) pack(resolve(values.pack));
console.log(`build: ${packages.length} packages in ${out}`);

/** One run of the compiler, from the entries of all packages: what only tests import is not reached. */
function compile(): void {
  for (const { folder } of packages) rmSync(join(out, folder), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const config = join(out, "tsconfig.json");
  const settings = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      rootDir: join(root, "packages"),
      outDir: out,
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: [],
    files: packages.flatMap(({ folder, manifest }) =>
      Object.values(manifest.exports)
        .filter((target) => target.endsWith(".ts"))
        .map((target) => join(root, "packages", folder, target)),
    ),
  };
  writeFileSync(config, JSON.stringify(settings));
  run(join(root, "node_modules/.bin/tsc"), ["-p", config]);
  rmSync(config);
}

function complete(each: PublishedPackage): void {
  const source = join(root, "packages", each.folder);
  const target = join(out, each.folder);
  renameSync(join(target, "src"), join(target, "lib"));
  nameCompiledFiles(join(target, "lib"));
  writeFileSync(join(target, "package.json"), `${JSON.stringify(publishedManifest(each), null, 2)}\n`);
  cpSync(join(source, "README.md"), join(target, "README.md"));
  cpSync(join(root, "LICENSE"), join(target, "LICENSE"));
  for (const file of each.manifest.files ?? []) cpSync(join(source, file), join(target, file), { recursive: true });
}

/** The compiler rewrites `./x.ts` in modules, and leaves it in declaration files. */
function nameCompiledFiles(folder: string): void {
  for (const file of globSync("**/*.d.ts", { cwd: folder })) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}

function pack(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const folders = packages.map((each) => join(out, each.folder));
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder, ...folders]);
}

function run(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`build: ${command} failed with code ${result.status}; the build is incomplete`);
}

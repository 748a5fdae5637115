// The packages that people install, and the manifests that they are published with.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source-tree.ts";

/** The oldest Node that the published packages run on: `node:sqlite` returns rows as arrays from this version on. */
export const nodeMinimum = "22.16.0";

/** Where compiled files are, inside a published package. */
const compiledFolder = "lib";

export interface SourceManifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** What is published beside the compiled files, such as SQL. */
  readonly files?: readonly string[];
}

export interface PublishedPackage {
  /** Its folder in `packages`. */
  readonly folder: string;
  readonly manifest: SourceManifest;
}

/** What all packages share, from the manifest of the workspace. */
interface SharedFields {
  readonly license: string;
  readonly repository: { readonly type: string; readonly url: string };
}

/** Every folder in `packages` that has a manifest. */
export function publishedPackages(): readonly PublishedPackage[] {
  return readdirSync(join(root, "packages"))
    .filter((folder) => existsSync(join(root, "packages", folder, "package.json")))
    .sort()
    .map((folder) => ({ folder, manifest: readManifest(join("packages", folder)) as SourceManifest }));
}

/** The compiled files of a source file, relative to its package. */
export function compiledFiles(source: string): { readonly types: string; readonly default: string } {
  const stem = source.replace(/^\.\/src\//, `./${compiledFolder}/`).replace(/\.ts$/, "");
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

/**
 * The manifest in the tarball. Sources become compiled files; a package of this workspace becomes a peer, so that an
 * application never holds two copies of the library.
 */
export function publishedManifest({ folder, manifest }: PublishedPackage): object {
  const { license, repository } = readManifest(".") as SharedFields;
  const { private: _source, devDependencies: _ofTests, ...published } = manifest;
  const { exports, dependencies = {}, peerDependencies = {}, files = [], ...fields } = published;
  const own = new Set(publishedPackages().map(({ manifest: { name } }) => name));
  const some = (isOwn: boolean) => Object.entries(dependencies).filter(([name]) => own.has(name) === isOwn);
  return {
    ...fields,
    license,
    repository: { ...repository, directory: `packages/${folder}` },
    engines: { node: `>=${nodeMinimum}` },
    sideEffects: false,
    exports: Object.fromEntries(
      Object.entries(exports).map(([path, target]) => [path, target.endsWith(".ts") ? compiledFiles(target) : target]),
    ),
    files: [compiledFolder, ...files],
    publishConfig: { access: "public" },
    ...fieldOf("dependencies", some(false)),
    ...fieldOf("peerDependencies", [...Object.entries(peerDependencies), ...some(true)]),
  };
}

function fieldOf(name: string, entries: readonly [string, string][]): object {
  return entries.length === 0 ? {} : { [name]: Object.fromEntries(entries) };
}

function readManifest(folder: string): unknown {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

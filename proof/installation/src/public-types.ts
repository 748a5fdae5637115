// The public names of a package with their types, from the declaration files that are installed: what a user can
// import, and what that shows of types which cannot be imported.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DeclarationFile, readDeclarations } from "./declaration-file.ts";
import type { Manifest } from "./packed-packages.ts";

/** A declaration: the file that it is in, and its name there. */
interface Place {
  readonly file: string;
  readonly name: string;
}

export interface PublicModule {
  /** As it is imported, such as "assent/ledger". */
  readonly specifier: string;
  readonly names: readonly string[];
}

export interface PublicTypes {
  readonly modules: readonly PublicModule[];
  /** By name, what is declared under it; a name of two files has both. */
  readonly declared: ReadonlyMap<string, readonly string[]>;
  /** The names in `declared` that no module exports. */
  readonly hidden: readonly string[];
}

/** Reads the installed package in `folder`. Modules that are internal are left out. */
export function publicTypes({ name, exports = {} }: Manifest, folder: string): PublicTypes {
  const reader = new Reader();
  const modules: PublicModule[] = [];
  const exported = new Map<string, Place>();
  for (const [path, target] of Object.entries(exports)) {
    const types = (target as { readonly types?: string }).types;
    if (types === undefined || path.includes("/internal/")) continue;
    const places = reader.exportsOf(join(folder, types));
    modules.push({ specifier: `${name}${path.slice(1)}`, names: [...places.keys()].sort() });
    for (const [each, place] of places) exported.set(each, place);
  }
  const reached = reader.reachedFrom([...exported.values()]);
  const declared = new Map<string, string[]>();
  for (const place of reached) {
    const texts = reader.read(place.file).declarations.get(place.name) ?? [];
    declared.set(place.name, [...(declared.get(place.name) ?? []), ...texts]);
  }
  const shown = new Set([...exported.values()].map((place) => place.name));
  return { modules, declared, hidden: [...declared.keys()].filter((each) => !shown.has(each)).sort() };
}

class Reader {
  readonly #files = new Map<string, DeclarationFile>();

  read(file: string): DeclarationFile {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const read = readDeclarations(readFileSync(file, "utf8"));
    this.#files.set(file, read);
    return read;
  }

  /** By exported name, where it is declared. */
  exportsOf(file: string): ReadonlyMap<string, Place> {
    const { exports, stars } = this.read(file);
    const places = new Map<string, Place>();
    for (const star of stars) for (const [name, place] of this.exportsOf(fileOf(file, star))) places.set(name, place);
    for (const [as, { module, name }] of exports) {
      const place = this.#placeOf(file, module === undefined ? name : { module, name });
      if (place !== undefined) places.set(as, place);
    }
    return places;
  }

  /** The places and all that their declarations name, directly or not, inside the package. */
  reachedFrom(places: readonly Place[]): readonly Place[] {
    const reached = new Map<string, Place>();
    const open = [...places];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const key = `${place.file} ${place.name}`;
      if (reached.has(key)) continue;
      reached.set(key, place);
      open.push(...this.#namedBy(place));
    }
    return [...reached.values()].sort((one, other) => (one.file < other.file ? -1 : 1));
  }

  #namedBy({ file, name }: Place): readonly Place[] {
    const text = (this.read(file).declarations.get(name) ?? []).join("\n");
    const inline = [...text.matchAll(/import\("(\.[^"]+)"\)\.([\w$]+)/g)].map(([, module = "", named = ""]) =>
      this.#placeOf(file, { module, name: named }),
    );
    const words = new Set(text.match(/[\w$]+/g));
    return [...inline, ...[...words].map((word) => this.#placeOf(file, word))].filter((place) => place !== undefined);
  }

  /** Where a name is declared that a file uses; undefined for one of the language, or of another package. */
  #placeOf(file: string, used: string | { readonly module: string; readonly name: string }): Place | undefined {
    if (typeof used !== "string") {
      return used.module.startsWith(".") ? this.exportsOf(fileOf(file, used.module)).get(used.name) : undefined;
    }
    const { declarations, imports } = this.read(file);
    if (declarations.has(used)) return { file, name: used };
    const imported = imports.get(used);
    return imported === undefined ? undefined : this.#placeOf(file, imported);
  }
}

function fileOf(from: string, module: string): string {
  const file = join(dirname(from), module.replace(/\.js$/, ".d.ts"));
  if (!existsSync(file)) throw new Error(`${from} names ${module}, which is not in the package`);
  return file;
}

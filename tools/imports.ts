// The imports of source files, and the circles that they form.
import { posix } from "node:path";

export interface Import {
  /** Path of the importing file. */
  readonly from: string;
  /** As written in the source. */
  readonly specifier: string;
  /** Path of a file of this repository, or the name of a package. */
  readonly target: string;
  readonly names: readonly string[];
  /** Only types: erased before the code runs. */
  readonly isOfTypes: boolean;
}

const statement = /^(?:import|export)\s+(type\s+)?(?:([\s\S]*?)\s+from\s+)?"([^"]+)";/gm;

export function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(statement)].map(([, type, clause = "", specifier = ""]) => {
    const target = specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(path), specifier)) : specifier;
    const listed = /\{([\s\S]*)\}/.exec(clause)?.[1] ?? "";
    const items = listed
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    const names = items.map((item) => item.replace(/^type /, "").replace(/ as .*$/, ""));
    const hasOnlyTypes = items.length > 0 && items.every((item) => item.startsWith("type "));
    return { from: path, specifier, target, names, isOfTypes: type !== undefined || hasOnlyTypes };
  });
}

/** Circles among files, each once; imports of types alone form none. */
export function importCircles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, Set<string>>();
  for (const { from, target, isOfTypes } of imports) {
    if (isOfTypes) continue;
    const found = targets.get(from) ?? new Set<string>();
    targets.set(from, found.add(target));
  }
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at !== -1) circles.push([...path.slice(at), file]);
    if (at !== -1 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}

// The record of what a package makes public, beside its manifest: reviewed with each change of it, compared by a test.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PackedPackage, repository } from "./packed-packages.ts";
import { publicTypes } from "./public-types.ts";

export const recordFile = "public-types.txt";

const undocumentedTitle = "Not documented yet:";

export interface PublicRecord {
  readonly text: string;
  /** Public names that no document mentions. */
  readonly undocumented: readonly string[];
}

/** The record of a package whose compiled files are in `folder`. */
export function recordOf({ manifest, source }: PackedPackage, folder: string): PublicRecord {
  const { modules, declared, hidden } = publicTypes(manifest, folder);
  const documented = namesIn(source);
  const names = [...new Set(modules.flatMap((each) => each.names))].sort();
  const undocumented = names.filter((name) => !documented.has(name));
  const isHidden = new Set(hidden);
  const declarations = (wanted: boolean): string[] =>
    [...declared.keys()]
      .filter((name) => isHidden.has(name) === wanted)
      .sort()
      .flatMap((name) => declared.get(name) ?? []);
  const lines = [
    `What ${manifest.name} makes public. Written by \`npm run public-types\`, compared by a test.`,
    ...modules.map((each) => `\n${each.specifier} (${each.names.length}):\n  ${each.names.join("\n  ")}`),
    `\n${[undocumentedTitle, ...undocumented].join("\n  ")}`,
    `\nTypes:\n\n${declarations(false).join("\n")}`,
    `\nTypes that these show, and that cannot be imported:\n\n${declarations(true).join("\n")}`,
  ];
  return { text: `${lines.join("\n").trimEnd()}\n`, undocumented };
}

/** The names that an earlier record lists as not documented. */
export function undocumentedIn(record: string): readonly string[] {
  const [, names = ""] = new RegExp(`^${undocumentedTitle}\\n((?: {2}.+\\n)*)`, "m").exec(record) ?? [];
  return names.match(/[\w$]+/g) ?? [];
}

/** Every word of the README of a package and of the documents for users. */
function namesIn(source: string): ReadonlySet<string> {
  const documents = ["explanation", "how-to", "reference"].map((folder) => `docs/${folder}/*.md`);
  const paths = [join(source, "README.md"), ...globSync(documents, { cwd: repository })];
  return new Set(paths.flatMap((path) => readFileSync(join(repository, path), "utf8").match(/[\w$]+/g) ?? []));
}

// Collects each sentence in the error texts of the sources about what was changed and what was not.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "./source-tree.ts";

// "What was changed is not known" makes no claim, and is not included.
const claim = /\b(?:[Nn]othing|[Nn]o record) (?:was|were) \w+|\bwas not started|\} (?:were|was) seeded/g;
const isComment = /^\s*(?:\/\/|\/?\*|--)/;
/** Sources whose texts reach users. Texts of the simulator and the test kits are about simulated stores. */
const scanned = /^(?:checkout|packages|proof\/(?!simulator\/))[^]*\/src\/[^]*(?<!\.test)\.ts$/;

/** By path, in the order of the source. */
export function claimsOfChange(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const path of sourceFiles().filter((each) => scanned.test(each))) {
    const lines = readFileSync(join(root, path), "utf8").split("\n");
    const claims = claimsOf(lines.filter((line) => !isComment.test(line)).join("\n"));
    if (claims.length > 0) found.set(path, claims);
  }
  return found;
}

export function claimsOf(source: string): readonly string[] {
  return [...source.matchAll(claim)].map(([text]) => text);
}

// Style checks that a linter does not have: limits, bans and words. Each finding names its remedy.
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { assembledRankMax, ranks, roomOf, roomOfPackage } from "./rooms.ts";
import { root, sourceFiles } from "./source-tree.ts";
import { words } from "./words.ts";

/** Longest source file; the limit for `protocol` is lower, because it is read as a proof. */
export const fileLinesMax = 400;
export const protocolFileLinesMax = 300;
export const lineColumnsMax = 120;

export interface Finding {
  path: string;
  line: number;
  message: string;
}

interface Ban {
  pattern: RegExp;
  remedy: string;
  allowedIn: RegExp;
}

const never = /^$/;

const bans: Ban[] = [
  {
    pattern: /\bMath\.random\(/,
    remedy: "Math.random: take a Random",
    allowedIn: /^(tools|checkout\/cli|proof\/(bench|system)|packages\/assent\/src\/node)\//,
  },
  {
    pattern: /^(export )?(const )?(enum|namespace) /,
    remedy: "enum/namespace: use a union or a module",
    allowedIn: never,
  },
  {
    pattern: /\b(TO)DO\b|\b(FIX)ME\b|\bX{3}\b/,
    remedy: "unfinished work: finish it, or describe it in an issue",
    allowedIn: never,
  },
  {
    pattern: /\.(skip|only)\(/,
    remedy: "a skipped or focused test proves nothing: run it or delete it",
    allowedIn: never,
  },
  { pattern: /catch\s*(\([^)]*\))?\s*\{\s*\}/, remedy: "swallowed error: handle it or let it pass", allowedIn: never },
];

export function checkSource(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  const lines = text.split("\n");
  const limit =
    path.startsWith("packages/assent/src/protocol/") && !path.includes(".test.") ? protocolFileLinesMax : fileLinesMax;
  if (lines.length > limit + 1) {
    findings.push({
      path,
      line: limit,
      message: `file has ${lines.length - 1} lines, limit ${limit}: split it by concept`,
    });
  }
  lines.forEach((content, index) => {
    const line = index + 1;
    if (content.length > lineColumnsMax) {
      findings.push({ path, line, message: `line has ${content.length} columns, limit ${lineColumnsMax}` });
    }
    for (const ban of bans) {
      if (path !== "tools/tidy.ts" && ban.pattern.test(content) && !ban.allowedIn.test(path)) {
        findings.push({ path, line, message: ban.remedy });
      }
    }
    const imported = /(?:from|import)\s+"([^"]+)"/.exec(content)?.[1];
    if (imported !== undefined) findings.push(...checkImport({ path, line, imported }));
  });
  return findings;
}

function checkImport({ path, line, imported }: { path: string; line: number; imported: string }): Finding[] {
  if (/^(proof\/system|tools)\//.test(path)) return [];
  const room = roomOf(path);
  const target = imported.startsWith(".") ? roomOf(join(dirname(path), imported)) : roomOfPackage(imported);
  // A third-party package, or a file of the same room.
  if (target === undefined || target === room) return [];
  const rank = ranks[target];
  if (rank === undefined)
    return [{ path, line, message: `unknown package ${imported}: give it a rank in tools/rooms.ts` }];
  const own = ranks[room];
  const assembles = path.endsWith(".test.ts") || /^packages\/[^/]+\/test-kit\/|^examples\//.test(path);
  if (assembles && rank <= assembledRankMax) return [];
  if (target.startsWith("proof/") && !room.startsWith("proof/")) {
    return [{ path, line, message: `${room} must not import ${target}: the product does not depend on the proof` }];
  }
  if (own === undefined) return [{ path, line, message: `${room} has no rank: give it one in tools/rooms.ts` }];
  if (rank < own) return [];
  return [{ path, line, message: `${room} (rank ${own}) must not import ${target} (rank ${rank})` }];
}

export function checkWords(path: string, text: string): Finding[] {
  if (path === "tools/words.ts" || path === "CHANGELOG.md") return [];
  return text.split("\n").flatMap((content, index) =>
    words.flatMap(({ pattern, instead }) =>
      [...content.matchAll(pattern)].map(([word]) => ({
        path,
        line: index + 1,
        message: `"${word}": write ${instead} (tools/words.ts)`,
      })),
    ),
  );
}

const adrHeadings = ["## Context", "## Decision", "## Consequences", "## Rejected"];

export function checkDocument(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  const prose = text.replace(/```[\s\S]*?```/g, "");
  const titles = prose.split("\n").filter((line) => line.startsWith("# ")).length;
  if (titles !== 1) findings.push({ path, line: 1, message: `a document has exactly one H1, this has ${titles}` });
  if (path.startsWith("docs/adr/")) {
    for (const heading of adrHeadings) {
      if (!prose.includes(heading)) findings.push({ path, line: 1, message: `an ADR has a section "${heading}"` });
    }
  }
  return findings;
}

export function checkNames(paths: string[]): Finding[] {
  const banned = new Set(["utils", "util", "helpers", "helper", "common", "misc"]);
  return paths
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const stem = basename(path).split(".")[0] ?? "";
      const folders = dirname(path).split("/");
      if (banned.has(stem) || folders.some((folder) => banned.has(folder))) {
        return [{ path, line: 1, message: "name it after what it holds" }];
      }
      if (!/^[a-z0-9-]+$/.test(stem)) return [{ path, line: 1, message: "file names are kebab-case" }];
      return [];
    });
}

function main(): void {
  const paths = sourceFiles();
  const findings = checkNames(paths);
  for (const path of paths) {
    if (!/\.(ts|mjs|md)$/.test(path)) continue;
    const text = readFileSync(join(root, path), "utf8");
    if (path.endsWith(".md")) findings.push(...checkDocument(path, text));
    else findings.push(...checkSource(path, text));
    findings.push(...checkWords(path, text));
  }
  for (const { path, line, message } of findings) console.error(`${path}:${line}: ${message}`);
  if (findings.length > 0) process.exit(1);
  console.log(`tidy: ${paths.length} files`);
}

if (import.meta.main) main();

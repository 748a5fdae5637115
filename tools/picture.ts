// `npm run picture`: draws the rooms and what they import into ARCHITECTURE.md, from the imports of the sources. A test
// fails when the picture there is out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importsOf } from "./imports.ts";
import { roomOf, roomOfPackage } from "./rooms.ts";
import { root, sourceFiles } from "./source-tree.ts";

const document = "ARCHITECTURE.md";
const begin = "<!-- picture: npm run picture -->";
const end = "<!-- end of picture -->";

/** Folders drawn as a frame around their rooms, with the name of the frame. */
const frames = [
  ["packages/assent/src/", "assent, the library"],
  ["packages/", "adapters"],
  ["checkout/", "checkout system"],
  ["proof/", "proof"],
] as const;

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** By room, the rooms that its shipped files import. */
export function importGraph(): Graph {
  const graph = new Map<string, Set<string>>();
  const shipped = sourceFiles().filter((path) =>
    /^(packages|checkout|proof)\/[^]*\/src\/[^]*(?<!\.test)\.ts$/.test(path),
  );
  for (const path of shipped) {
    const room = roomOf(path);
    // The door of the library only lists what its layers export.
    if (room === "packages/assent") continue;
    const targets = graph.get(room) ?? new Set<string>();
    graph.set(room, targets);
    for (const { target } of importsOf(path, readFileSync(join(root, path), "utf8"))) {
      const other = /^(packages|checkout|proof)\//.test(target) ? roomOf(target) : roomOfPackage(target);
      if (other !== undefined && other !== room && other !== "packages/assent") targets.add(other);
    }
  }
  return graph;
}

/** Without arrows to a room that another arrow reaches anyway. */
export function reduced(graph: Graph): Graph {
  const reaches = (from: string, to: string): boolean =>
    [...(graph.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  return new Map(
    [...graph].map(([room, targets]) => [
      room,
      new Set([...targets].filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))),
    ]),
  );
}

export function pictureOf(graph: Graph): string {
  const rooms = [...new Set([...graph.keys(), ...[...graph.values()].flatMap((targets) => [...targets])])].sort();
  const frameOf = (room: string): string => frames.find(([folder]) => room.startsWith(folder))?.[0] ?? "";
  const nameOf = (room: string): string => room.slice(frameOf(room).length);
  const idOf = (room: string): string => room.replaceAll(/\W/g, "_");
  const lines = ["```mermaid", "flowchart BT"];
  for (const [folder, title] of frames) {
    const members = rooms.filter((room) => frameOf(room) === folder);
    if (members.length === 0) continue;
    lines.push(`  subgraph "${title}"`, ...members.map((room) => `    ${idOf(room)}["${nameOf(room)}"]`), "  end");
  }
  for (const [room, targets] of [...graph].sort(([one], [other]) => (one < other ? -1 : 1))) {
    for (const target of [...targets].sort()) lines.push(`  ${idOf(room)} --> ${idOf(target)}`);
  }
  return [...lines, "```"].join("\n");
}

/** The document with the picture as the sources are now. */
export function withPicture(text: string): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${document} has no place for the picture`);
  return `${before}${begin}\n\n${pictureOf(reduced(importGraph()))}\n\n${end}${after}`;
}

if (import.meta.main) {
  const path = join(root, document);
  writeFileSync(path, withPicture(readFileSync(path, "utf8")));
}

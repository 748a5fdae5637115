// Ports kept in a folder: servers that remember each other by their ports must come back on them.
import { freePorts, makePrivateFolder } from "@assent/local-servers";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** By name, as stored in the folder; free ports if none are stored yet. */
export async function keptPorts(folder: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const file = join(folder, "ports.json");
  if (existsSync(file)) {
    // Written below, by this module alone.
    const kept = new Map(Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, number>));
    if (names.every((name) => kept.has(name))) return kept;
    throw new Error(`${file} belongs to another topology: use another folder, or remove this file`);
  }
  const ports = await freePorts(names.length);
  const fresh = new Map(names.map((name, index) => [name, ports[index] ?? 0]));
  makePrivateFolder(folder);
  writeFileSync(file, JSON.stringify(Object.fromEntries(fresh), null, 2));
  return fresh;
}

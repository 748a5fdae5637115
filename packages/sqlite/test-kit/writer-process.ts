// A process that writes batches until it is killed, and prints the number of each when it is committed.
// Batch n puts n to every table, and one key of its own; it is large enough to be killed inside of.
import { SqliteEngine } from "@assent/sqlite";
import { writeSync } from "node:fs";

export const writerTables = ["a", "b", "c"] as const;
export const writerKeys = 40;

const [path, from] = process.argv.slice(2);
if (path !== undefined && import.meta.main) {
  const engine = new SqliteEngine(path);
  for (let number = Number(from); ; number += 1) {
    const changes = new Map<string, number>([["number", number]]);
    for (let index = 0; index < writerKeys; index += 1) changes.set(`${number % 50}/${index}`, number);
    engine.commit(new Map(writerTables.map((table) => [table, changes])));
    writeSync(1, `${number}\n`);
  }
}

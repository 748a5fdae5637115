// The thread of a store that counts, breaks on demand, and answers a channel of its own.
import { StoreFailure } from "assent/internal/engine";
import { table, type Tables } from "assent/internal/ports";
import { hostStore } from "@assent/sqlite";
import { parentPort, resourceLimits, workerData } from "node:worker_threads";

const counters = table<number>("counters", "records");

function add(tables: Tables, { by }: { by: number }): number {
  const sum = (tables.get(counters, "one") ?? 0) + by;
  tables.put(counters, "one", sum);
  return sum;
}

export const counterOperations = {
  add,
  addLater: add,
  fail(tables: Tables): null {
    tables.put(counters, "one", -1);
    throw new StoreFailure("step_failed", "asked to");
  },
  /** Commits something that cannot be written. */
  breakCommit(tables: Tables): null {
    tables.put(counters, "broken", 1n as never);
    return null;
  },
  end: (): never => process.exit(7),
};

export type CounterOperations = typeof counterOperations;

if (parentPort !== null) {
  const { path } = workerData as { path: string };
  hostStore({
    port: parentPort,
    path,
    operations: counterOperations,
    channels: (executor) => ({
      async add(payload) {
        const by = new DataView((payload as Uint8Array).buffer).getInt8(0);
        return Uint8Array.of(await executor.run("add", { by }));
      },
      youngGeneration: async () => Uint8Array.of(resourceLimits.maxYoungGenerationSizeMb ?? 0),
    }),
  });
}

// The thread of a store that counts, breaks on demand, and answers a channel of its own.
import { bindOperations, StoreFailure } from "assent/internal/engine";
import { operation, table, type Tables } from "assent/internal/ports";
import { hostStore } from "@assent/sqlite";
import { parentPort, resourceLimits, workerData } from "node:worker_threads";

const counters = table<number>("counters", "records");

function addTo(tables: Tables, { by }: { readonly by: number }): number {
  const sum = (tables.get(counters, "one") ?? 0) + by;
  tables.put(counters, "one", sum);
  return sum;
}

export const counterOperations = {
  add: operation("add", addTo),
  addLater: operation("addLater", addTo),
  fail: operation("fail", (tables): null => {
    tables.put(counters, "one", -1);
    throw new StoreFailure("step_failed", "asked to");
  }),
  /** Commits something that cannot be written. */
  breakCommit: operation("breakCommit", (tables): null => {
    tables.put(counters, "broken", 1n as never);
    return null;
  }),
  end: operation("end", (): never => process.exit(7)),
};

if (parentPort !== null) {
  const { path } = workerData as { path: string };
  hostStore({
    port: parentPort,
    path,
    operations: bindOperations(counterOperations, {}),
    channels: (executor) => ({
      async add(payload) {
        const by = new DataView((payload as Uint8Array).buffer).getInt8(0);
        return Uint8Array.of(await executor.run(counterOperations.add, { by }));
      },
      youngGeneration: async () => Uint8Array.of(resourceLimits.maxYoungGenerationSizeMb ?? 0),
    }),
  });
}

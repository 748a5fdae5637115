// Two executors on one store compared with one in memory: random steps in either have the same results.
import { operation, type ScanRange } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import { bindOperations, type Executor, GroupCommitExecutor } from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";
import fc from "fast-check";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { scannedNamed, tableNamed } from "../test-kit/named-tables.ts";
import { TestServer } from "../test-kit/redis-server.ts";
import { sharedReadingsMax } from "./redis-limits.ts";

const server = await TestServer.start();
after(() => server.stop());

const names = ["records", "new", "ordered", "index"] as const;
const keys = ["", "a", "b c"];

type Access =
  | { readonly kind: "put"; readonly table: string; readonly key: string; readonly value: Json }
  | { readonly kind: "delete" | "get"; readonly table: string; readonly key: string }
  | { readonly kind: "scan"; readonly table: string; readonly range: ScanRange }
  | { readonly kind: "fail" };

interface RandomStep {
  readonly by: 0 | 1;
  readonly accesses: readonly Access[];
}

const operations = {
  perform: operation("perform", (tables, { accesses }: { accesses: readonly Access[] }): Json => {
    return accesses.map((access): Json => {
      switch (access.kind) {
        case "put":
          tables.put(tableNamed(access.table), access.key, access.table === "index" ? null : access.value);
          return "put";
        case "delete":
          tables.delete(tableNamed(access.table), access.key);
          return "deleted";
        case "get":
          return tables.get(tableNamed(access.table), access.key) ?? "absent";
        case "scan":
          return tables.scan(scannedNamed(access.table), access.range);
        case "fail":
          throw new Error(`asked to, seeing ${JSON.stringify(tables.get(tableNamed("records"), "a") ?? "absent")}`);
      }
    });
  }),
};

const table = fc.constantFrom(...names);
const key = fc.constantFrom(...keys);
const range: fc.Arbitrary<ScanRange> = fc.record(
  { after: key, before: key, limit: fc.integer({ min: 1, max: 6 }) },
  { requiredKeys: ["limit"] },
);
const value = fc.constantFrom<Json>(null, 0, "", "text", { n: 1 }, [1, "ü\n "], false);
const change: fc.Arbitrary<Access> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("put" as const), table, key, value }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("delete", "get"), table, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail") }) },
);
const access: fc.Arbitrary<Access> = fc.oneof(
  { weight: 4, arbitrary: change },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("scan"), table: fc.constantFrom("ordered", "index"), range }) },
);
const stepOf = (kind: fc.Arbitrary<Access>, maxLength: number): fc.Arbitrary<RandomStep> =>
  fc.record({ by: fc.constantFrom(0, 1), accesses: fc.array(kind, { minLength: 1, maxLength, size: "max" }) });
/**
 * Steps that one executor gets together, in order. A step with many reads would run separately, and a step that scans
 * may be overtaken by later ones: so it comes last.
 */
const together = fc
  .tuple(fc.array(stepOf(change, sharedReadingsMax), { maxLength: 3 }), stepOf(access, sharedReadingsMax))
  .map(([steps, last]) => [...steps, last]);
const alone = stepOf(access, 6).map((step) => [step]);
const batches = fc.array(fc.oneof(together, alone), { minLength: 10, maxLength: 30, size: "max" });

async function outcome(executor: Executor, { accesses }: RandomStep): Promise<Json> {
  return executor.run(operations.perform, { accesses }).catch((error: unknown) => String(error));
}

test("C4 steps of two executors see each other like those of one", async () => {
  let conflicts = 0;
  await fc.assert(
    fc.asyncProperty(batches, async (history) => {
      const prefix = server.prefix();
      const open = (cachedRecordsMax: number) =>
        server.open({ prefix, operations: bindOperations(operations, {}), cachedRecordsMax });
      const stores = await Promise.all([open(100), open(3)]);
      const model = new GroupCommitExecutor({
        engine: new MemoryEngine(),
        operations: bindOperations(operations, {}),
        now: () => 0,
        schedule: setImmediate,
      });
      for (const batch of history) {
        const by = batch[0]?.by ?? 0;
        const store = stores[by];
        assert.ok(store !== undefined);
        const found = await Promise.all(batch.map((each) => outcome(store, each)));
        assert.deepEqual(found, await Promise.all(batch.map((each) => outcome(model, each))));
      }
      conflicts += stores.reduce((sum, { counts }) => sum + counts.conflicts, 0);
      await Promise.all(stores.map((store) => store.close()));
    }),
    { numRuns: 200 },
  );
  assert.ok(conflicts > 100, `${conflicts} conflicts`);
});

// Operations are values: their types are checked where they are called, and their settings where a store is made.
import { operation, type StepContext, table } from "../ports/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import { nextTurn } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { bindOperations } from "./bound-operations.ts";
import { type Executor, GroupCommitExecutor } from "./executor.ts";

interface Settings {
  readonly most: number;
}

const stock = table<number>("stock", "records");
const operations = {
  add: operation("add", (tables, { by }: { readonly by: number }, { most }: StepContext & Settings): boolean => {
    const sum = (tables.get(stock, "tea") ?? 0) + by;
    if (sum <= most) tables.put(stock, "tea", sum);
    return sum <= most;
  }),
  left: operation("left", (tables): number => tables.get(stock, "tea") ?? 0),
};

function open(most: number): Executor {
  const bound = bindOperations(operations, { most });
  return new GroupCommitExecutor({
    engine: new MemoryEngine(),
    operations: bound,
    now: () => 0,
    schedule: nextTurn,
  });
}

test("an operation runs with the settings of its store", async () => {
  const [small, large] = [open(3), open(9)];
  assert.equal(await small.run(operations.add, { by: 4 }), false);
  assert.equal(await large.run(operations.add, { by: 4 }), true);
  assert.deepEqual([await small.run(operations.left, undefined), await large.run(operations.left, undefined)], [0, 4]);
});

test("settings that lack what an operation needs, and operations under other names, are refused by their types", () => {
  // @ts-expect-error -- `add` needs `most`
  bindOperations(operations, { least: 1 });
  // @ts-expect-error -- a store knows an operation by its name
  bindOperations({ remove: operations.left }, {});
  assert.deepEqual(Object.keys(bindOperations(operations, { most: 1 })), ["add", "left"]);
});

test("input and result have the types of the operation", async () => {
  const store = open(9);
  const added: boolean = await store.run(operations.add, { by: 1 });
  assert.ok(added);
  // @ts-expect-error -- `by` is a number
  await store.run(operations.add, { by: "1" }).catch(() => undefined);
  // @ts-expect-error -- there is no `twice`
  await store.run(operations.add, { by: 1, twice: true });
});

test("an operation that a store does not have fails, and says so", async () => {
  const store = open(9);
  const remove = operation("remove", () => null);
  await assert.rejects(store.run(remove, undefined), { code: "step_failed", changed: "nothing", message: /remove/ });
});

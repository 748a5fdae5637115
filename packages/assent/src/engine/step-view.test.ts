// A handler that continues after its step cannot write into another step.
import { bindOperations } from "./bound-operations.ts";
import type { BranchHandler } from "../participant/index.ts";
import { type BranchFailure, table, type Tables } from "../ports/index.ts";
import { type Command, defaultLimits, encodeOrigin } from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { branchOperations } from "./branch-operations.ts";
import { GroupCommitExecutor } from "./executor.ts";
import { keyedBranchStore } from "./keyed-branch-store.ts";

const own = table<string>("own", "ordered");
const now = 1_000_000;

function command(txId: string): Command {
  const names = { coordinator: "order", key: "k", definition: "d", definitionHash: 1 };
  const origin = encodeOrigin({ ...names, input: null, deadlineAt: now + 10_000 });
  const base = { txId, branchId: "b/0", verb: "prepare", protocol: "2pc", epoch: 1, begunAt: now } as const;
  return { ...base, deadlineAt: now + 10_000, payload: null, origin };
}

test("M3 an async handler is refused, seen with its command, and what it writes later reaches no table", async () => {
  const late: unknown[] = [];
  const prepare: BranchHandler<Tables>["prepare"] = ({ view, txId }) => {
    view.put(own, txId, "in time");
    if (txId !== "late:1:1") return { kind: "ok" };
    const later = async () => {
      await turn();
      for (const act of [
        () => view.put(own, txId, "late"),
        () => view.delete(own, "good:1:1"),
        () => view.get(own, "good:1:1"),
        () => view.scan(own, { limit: 1 }),
      ]) {
        try {
          late.push(act());
        } catch (error) {
          late.push(String(error));
        }
      }
    };
    return later() as never;
  };
  const ok = (): { kind: "ok" } => ({ kind: "ok" });
  const handler = { prepare, execute: prepare, reapply: prepare, commit: ok, abort: ok, compensate: ok };
  const engine = new MemoryEngine();
  const operations = bindOperations(branchOperations, { handler, limits: defaultLimits });
  const schedule = (callback: () => void): void => void turn().then(callback);
  const executor = new GroupCommitExecutor({ engine, operations, now: () => now, schedule });
  const store = keyedBranchStore(executor);
  const failures: BranchFailure[] = [];
  const answers = await store.apply([command("late:1:1"), command("good:1:1")], (failure) => failures.push(failure));
  assert.deepEqual(answers, [
    { kind: "unknown", reason: "handler_failed" },
    { kind: "done", state: "prepared" },
  ]);
  assert.deepEqual(
    failures.map((failure) => failure.command.txId),
    ["late:1:1"],
  );
  await turn();
  await store.apply([command("other:1:1")]);
  assert.equal(late.length, 4);
  for (const error of late) assert.match(String(error), /is over/);
  assert.deepEqual(engine.scan("own", { limit: 10 }), [
    ["good:1:1", "in time"],
    ["other:1:1", "in time"],
  ]);
});

import {
  type BranchRecord,
  type Command,
  defaultLimits,
  type Json,
  type BranchAction,
  type Verb,
} from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyCommand } from "./apply-command.ts";
import type { BranchHandler } from "./branch-handler.ts";

/** One branch, and what its handler was asked to do with which payload. */
function branchWith(payload: Json) {
  let record: BranchRecord | undefined;
  const done: [BranchAction, Json][] = [];
  const doing = (operation: BranchAction): BranchHandler<undefined>[BranchAction] => {
    return (step) => {
      done.push([operation, step.payload]);
      return { kind: "ok" };
    };
  };
  const handler: BranchHandler<undefined> = {
    prepare: doing("prepare"),
    commit: doing("commit"),
    abort: doing("abort"),
    execute: doing("execute"),
    compensate: doing("compensate"),
    reapply: doing("reapply"),
  };
  const records = { read: () => record, write: (next: BranchRecord) => void (record = next) };
  const send = (protocol: Command["protocol"], verb: Verb): unknown => {
    const base = { txId: "t", branchId: "b/0", verb, protocol, epoch: 1, begunAt: 1 };
    const isVote = verb === "prepare" || verb === "execute";
    const command: Command = isVote ? { ...base, payload, origin: "o" } : base;
    return applyCommand(command, { records, view: undefined, handler, limits: defaultLimits, now: 2 });
  };
  return { send, done };
}

// Neither a backward verb nor a decision that was asked for (P6) carries a payload: that of the record is used.
for (const payload of [null, 0, "", false, { amount: 1 }] satisfies Json[]) {
  test(`P1 a branch of the payload ${JSON.stringify(payload)} can be ended either way`, () => {
    for (const [protocol, vote, verb, ended] of [
      ["2pc", "prepare", "abort", "aborted"],
      ["2pc", "prepare", "commit", "committed"],
      ["saga", "execute", "compensate", "compensated"],
    ] as const) {
      const { send, done } = branchWith(payload);
      send(protocol, vote);
      assert.deepEqual(send(protocol, verb), { kind: "done", state: ended });
      assert.deepEqual(done, [
        [vote, payload],
        [verb, payload],
      ]);
    }
  });
}

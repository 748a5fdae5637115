// What a test world makes of answers, and when the branches of a transaction are on one side.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, BranchState, Command } from "../protocol/index.ts";
import { BranchBook, isOnOneSide, openOf, type WorldBranch } from "./branch-book.ts";

const branch = (state: BranchState, step = "seat"): WorldBranch => {
  return { tx: "k:i:1", key: "k", step, service: "flights", state };
};

test("branches are on one side when all have ended as it was decided", () => {
  const on = (decision: "commit" | "abort" | undefined, ...states: BranchState[]): boolean =>
    isOnOneSide(
      states.map((state) => branch(state)),
      decision,
    );
  assert.ok(on("commit", "committed", "committed"));
  assert.ok(on("abort", "compensated", "compensated"));
  assert.ok(on(undefined, "prepared", "prepared"));
  assert.ok(!on("commit", "committed", "aborted"));
  assert.ok(!on("commit", "aborted", "aborted"), "all are on the other side");
  assert.ok(!on("abort", "aborted", "prepared"), "one is still open");
  assert.ok(!on(undefined, "committed", "aborted"), "the decision is not known any more");
});

test("the state of a branch follows from the answers of its store", () => {
  const book = new BranchBook();
  const command: Command = {
    txId: "k:i:1",
    branchId: "seat/0",
    verb: "prepare",
    protocol: "2pc",
    epoch: 1,
    begunAt: 1,
  };
  const after = (answer: Answer): BranchState | undefined => {
    book.record("flights", command, answer);
    return book.branches[0]?.state;
  };
  assert.equal(after({ kind: "unknown", reason: "handler_failed" }), undefined);
  assert.equal(after({ kind: "done", state: "prepared" }), "prepared");
  assert.equal(openOf(book.branches).length, 1);
  assert.equal(after({ kind: "fenced", epoch: 2 }), "prepared");
  assert.equal(after({ kind: "conflict", state: "committed" }), "committed");
  assert.equal(after({ kind: "refused", reason: "sold_out" }), "aborted");
  assert.equal(openOf(book.branches).length, 0);
  assert.deepEqual(book.branches, [branch("aborted")]);
});

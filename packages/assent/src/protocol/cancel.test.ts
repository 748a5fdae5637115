// When an operator may have a transaction aborted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driven } from "./fixtures.test.ts";

const lostReply = { type: "WriteWentUnanswered", write: "decision" } as const;
const rewriteDue = { type: "WriteRetryFellDue" } as const;
const operator = { by: "ann", why: "by mistake" };
const cancelled = { type: "Cancelled", ownerUninterrupted: true, operator } as const;

test("C6 the uninterrupted owner aborts when it is asked to, before its decision and not after it", () => {
  const run = new Driven();
  run.start();
  run.yes("a");
  assert.deepEqual(run.feed(cancelled), ["write abort cancelled"]);
  assert.deepEqual(run.state.intent?.operator, operator);
  assert.deepEqual(run.yes("b"), [], "a vote that comes later changes nothing");
  assert.deepEqual(run.feed(lostReply).concat(run.feed(rewriteDue)).at(-1), "write abort cancelled");
  const committing = new Driven();
  committing.start();
  committing.yes("a");
  committing.yes("b");
  assert.deepEqual(committing.feed(cancelled), [], "a commit may be durable already");
});

test("C6 an owner that was interrupted and a taker-over cancel nothing", () => {
  const run = new Driven();
  run.start();
  assert.deepEqual(run.feed({ ...cancelled, ownerUninterrupted: false }), []);
  assert.equal(run.state.stage, "voting");
  const taker = new Driven({ role: "recoverer" });
  taker.start();
  assert.deepEqual(taker.feed(cancelled), []);
  assert.equal(taker.state.stage, "questioning");
});

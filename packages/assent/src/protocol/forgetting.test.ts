// P7: `forget` after the durable end, until it is acknowledged or has been sent often enough.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driven, protocols } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { Protocol } from "./verbs.ts";

/** A transaction whose end has just become durable. */
function ended(protocol: Protocol = "2pc"): Driven {
  const run = new Driven({ protocol });
  run.start();
  run.yes("a");
  run.yes("b");
  run.decisionDurable("commit");
  run.acknowledge("a", "commit");
  run.acknowledge("b", "commit");
  run.endDurable();
  return run;
}

test("P7 `forget` is repeated for a silent branch, until each has acknowledged", () => {
  for (const protocol of protocols) {
    const run = ended(protocol);
    assert.deepEqual(run.silent("a", "forget"), ["retry forget a backoff 1"]);
    assert.deepEqual(run.answer("b", "forget", { kind: "forgotten" }), []);
    assert.deepEqual(run.retry("a", "forget"), ["forget a"]);
    assert.deepEqual(run.answer("a", "forget", { kind: "unknown", reason: "disk" }), ["retry forget a backoff 2"]);
    assert.deepEqual(run.retry("b", "forget"), [], "it has forgotten");
    assert.deepEqual(run.retry("a", "forget"), ["forget a"]);
    assert.equal(run.state.stage, "forgetting");
    assert.deepEqual(run.answer("a", "forget", { kind: "forgotten" }), []);
    assert.equal(run.state.stage, "ended");
  }
});

test("P7 a branch that stays silent gets a limited number of `forget`s; the transaction has ended", () => {
  const run = ended();
  run.answer("b", "forget", { kind: "forgotten" });
  for (let attempt = 1; attempt < defaultLimits.forgetAttempts; attempt += 1) {
    assert.deepEqual(run.silent("a", "forget"), [`retry forget a backoff ${attempt}`]);
    assert.deepEqual(run.retry("a", "forget"), ["forget a"]);
  }
  assert.equal(run.state.stage, "forgetting");
  assert.deepEqual(run.silent("a", "forget"), []);
  assert.equal(run.state.stage, "ended");
});

test("P2 a `forget` for a branch that has not committed raises an alarm", () => {
  const run = ended();
  const said = run.answer("a", "forget", { kind: "conflict", state: "prepared" });
  assert.deepEqual(said, ["alarm conflict a", "retry forget a backoff 1"]);
});

test("P7 nobody has to forget an abort", () => {
  const run = new Driven();
  run.start();
  run.refuse("a", "sold_out");
  run.decisionDurable("abort", "sold_out");
  run.acknowledge("b", "abort");
  assert.deepEqual(run.endDurable(), []);
  assert.equal(run.state.stage, "ended");
});

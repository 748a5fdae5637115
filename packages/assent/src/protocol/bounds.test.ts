// M3: no message can make a process write a number that no codec reads.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { aheadMaxMs } from "./bounds.ts";
import { applyCommand, begunAt, command, Driven } from "./fixtures.test.ts";
import { transactionId } from "./transaction-id.ts";
import { nextEpoch } from "./transaction-record.ts";
import { type Verb, verbs } from "./verbs.ts";

const now = begunAt + 10;
const largest = Number.MAX_SAFE_INTEGER;
const beyond = now + aheadMaxMs + 1;

test("M3 a command with a number that no clock can have made is answered unknown, and writes nothing", () => {
  for (const verb of verbs) {
    for (const number of [beyond, largest]) {
      for (const change of [{ epoch: number }, { begunAt: number }, { deadlineAt: number }]) {
        const absent = applyCommand(undefined, command(verb, change), { now });
        assert.deepEqual(absent, { answer: { kind: "unknown", reason: "too_far_ahead" }, record: undefined });
        const { record } = applyCommand(undefined, command("prepare"), { now });
        const present = applyCommand(record, command(verb, change), { now });
        assert.deepEqual(present, { answer: { kind: "unknown", reason: "too_far_ahead" }, record }, verb);
      }
    }
  }
});

test("M3 what a clock that is set wrong makes is believed, and there is room above it for takeovers", () => {
  const { record, answer } = applyCommand(undefined, command("prepare", { epoch: now + aheadMaxMs }), { now });
  assert.deepEqual(answer, { kind: "done", state: "prepared" });
  const taken = nextEpoch(now, record?.epoch ?? 0);
  const later = applyCommand(record, command("abort", { epoch: taken }), { now: now + 1 });
  assert.deepEqual(later.answer, { kind: "done", state: "aborted" });
});

test("M3 a coordinator does not go above a fence that no clock can have made: an alarm, and it asks again", () => {
  const questioning = new Driven({ role: "recoverer" });
  questioning.start();
  const fence = { kind: "fenced", epoch: largest } as const;
  const said = questioning.answer("a", "query-or-prevent", fence);
  assert.deepEqual(said, ["alarm unexpected_answer a", "retry query-or-prevent a backoff 1"]);
  const finishing = new Driven({ role: "recoverer", state: "committing" });
  finishing.start();
  assert.deepEqual(finishing.answer("a", "commit", fence), ["alarm unexpected_answer a", "retry commit a backoff 1"]);
  const below = finishing.answer("b", "commit", { kind: "fenced", epoch: begunAt + aheadMaxMs });
  assert.deepEqual(below, ["stand down"]);
});

test("R2, R5 an epoch or an attempt that no message can carry is not made", () => {
  assert.throws(() => nextEpoch(now, largest), { name: "InvariantViolation" });
  for (const attempt of [largest + 1, 1.5]) {
    assert.throws(() => transactionId({ key: "k", incarnation: "i", attempt }), { name: "InvariantViolation" });
  }
});

test("M3 whatever commands arrive, the epoch of a branch leaves room for the next takeover", () => {
  const number = fc.oneof(fc.maxSafeNat(), fc.integer({ min: now, max: now + 2 * aheadMaxMs }));
  const received = fc.record({ verb: fc.constantFrom<Verb>(...verbs), epoch: number, begunAt: number });
  fc.assert(
    fc.property(fc.array(received, { maxLength: 6 }), (commands) => {
      let record;
      for (const { verb, ...numbers } of commands) {
        record = applyCommand(record, command(verb, numbers), { now }).record;
        assert.ok((record?.epoch ?? 0) <= now + aheadMaxMs && (record?.begunAt ?? 0) <= now + aheadMaxMs);
      }
    }),
  );
});

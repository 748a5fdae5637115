import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { transaction } from "./fixtures.test.ts";
import {
  decisionOf,
  isEnded,
  nextEpoch,
  type RecordWrite,
  type TransactionRecord,
  type TransactionState,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "./transaction-record.ts";
import type { Decision } from "./verbs.ts";

const states: readonly TransactionState[] = ["active", "committing", "aborting", "committed", "aborted"];
const owner = { owner: "order-service/a.1", epoch: 5 };
const taker = { owner: "order-service/b.1", epoch: 6 };
const note = { reason: "no_answer_from_stock", since: 7, attempts: 10 };
const now = 2_000_000;

function decide(record: TransactionRecord, decision: Decision, claimant = owner): RecordWrite {
  return writeDecision(record, claimant, { decision, reason: "sold_out", now });
}

test("the states of a record and the decisions they hold", () => {
  const decisions = states.map((state) => decisionOf(transaction({ state })));
  assert.deepEqual(decisions, [undefined, "commit", "abort", "commit", "abort"]);
  const ended = states.filter((state) => isEnded(transaction({ state })));
  assert.deepEqual(ended, ["committed", "aborted"]);
});

test("C2 the first decision is written; an abort keeps its reason", () => {
  const active = transaction();
  assert.deepEqual(decide(active, "commit"), {
    kind: "written",
    record: { ...active, state: "committing", changedAt: now },
  });
  assert.deepEqual(decide(active, "abort"), {
    kind: "written",
    record: { ...active, state: "aborting", reason: "sold_out", changedAt: now },
  });
  assert.equal(writeDecision(active, owner, { decision: "abort", now }).record.reason, "aborted");
});

test("C2, T9 repeating a decision is answered as the first time, also after the end", () => {
  for (const [decision, decided] of [
    ["commit", ["committing", "committed"]],
    ["abort", ["aborting", "aborted"]],
  ] as const) {
    for (const state of decided) {
      const record = transaction({ state });
      assert.deepEqual(decide(record, decision), { kind: "repeated", record });
    }
  }
});

test("C2 the opposite decision is lost and writes nothing", () => {
  for (const state of states.filter((each) => each !== "active")) {
    const record = transaction({ state });
    const opposite = decisionOf(record) === "commit" ? "abort" : "commit";
    assert.deepEqual(decide(record, opposite), { kind: "lost", record });
  }
});

test("C2 every write compares owner and epoch", () => {
  for (const state of states) {
    const record = transaction({ state, epoch: 6 });
    for (const stranger of [owner, { owner: "order-service/a.2", epoch: 6 }, { owner: owner.owner, epoch: 7 }]) {
      const writes = [
        decide(record, "commit", stranger),
        decide(record, "abort", stranger),
        writeEnd(record, stranger, now),
        writePark(record, stranger, note),
      ];
      for (const write of writes) assert.deepEqual(write, { kind: "lost", record });
    }
  }
});

test("R4 the end follows its decision, once", () => {
  for (const [state, end] of [
    ["committing", "committed"],
    ["aborting", "aborted"],
  ] as const) {
    const record = transaction({ state, parked: note });
    const write = writeEnd(record, owner, now);
    const { parked: _parked, ...rest } = record;
    assert.deepEqual(write, { kind: "written", record: { ...rest, state: end, changedAt: now } });
    assert.deepEqual(writeEnd(write.record, owner, now + 1), { kind: "repeated", record: write.record });
  }
});

test("C2, R3 an end whose decision the log has lost is lost, too: the state is part of the comparison", () => {
  const record = transaction({ state: "active" });
  assert.deepEqual(writeEnd(record, owner, now), { kind: "lost", record });
});

test("R2 a takeover moves owner and epoch and nothing else", () => {
  for (const state of ["active", "committing", "aborting"] as const) {
    const record = transaction({ state, parked: note });
    const write = writeTakeover(record, { seen: owner, taker, now });
    assert.deepEqual(write, { kind: "written", record: { ...record, ...taker, changedAt: now } });
    assert.deepEqual(writeTakeover(write.record, { seen: owner, taker, now }), {
      kind: "repeated",
      record: write.record,
    });
  }
});

test("R2 a takeover takes nothing but owner and epoch from the taker", () => {
  const wide = transaction({ ...taker, state: "committed", key: "order-2" });
  const { record } = writeTakeover(transaction(), { seen: owner, taker: wide, now });
  assert.deepEqual(record, { ...transaction(), ...taker, changedAt: now });
});

test("R2 a takeover is lost when the record moved on, has ended, or the epoch is not new", () => {
  const lost = (record: TransactionRecord, claimant = taker): void => {
    assert.deepEqual(writeTakeover(record, { seen: owner, taker: claimant, now }), { kind: "lost", record });
  };
  lost(transaction({ epoch: 6 }));
  lost(transaction({ owner: "order-service/c.1" }));
  lost(transaction({ state: "committed" }));
  lost(transaction({ state: "aborted" }));
  lost(transaction(), { owner: taker.owner, epoch: 5 });
  lost(transaction(), { owner: taker.owner, epoch: 4 });
});

test("R4 parking is a note; a decision and the end remove it, a takeover keeps it", () => {
  const parked = writePark(transaction(), owner, note);
  assert.deepEqual(parked, { kind: "written", record: { ...transaction(), parked: note } });
  assert.equal(decide(parked.record, "commit").record.parked, undefined);
  assert.deepEqual(writeTakeover(parked.record, { seen: owner, taker, now }).record.parked, note);
  for (const state of ["committed", "aborted"] as const) {
    assert.equal(writePark(transaction({ state }), owner, note).kind, "lost");
  }
});

test("R2, T8 the next epoch exceeds every epoch seen and is not below the clock", () => {
  assert.equal(nextEpoch(100, 5, 7), 100);
  assert.equal(nextEpoch(100, 99, 7), 100);
  assert.equal(nextEpoch(100, 100), 101);
  assert.equal(nextEpoch(100, 5, 200), 201);
  const epochs = fc.array(fc.nat(), { minLength: 1 });
  fc.assert(
    fc.property(fc.nat(), epochs, (clock, seen) => {
      const next = nextEpoch(clock, ...seen);
      assert.ok(next >= clock && seen.every((epoch) => next > epoch));
    }),
  );
});

test("C2 no sequence of writes by anybody changes a decision or lets an epoch go back", () => {
  const claimants = [owner, taker, { owner: "order-service/c.1", epoch: 7 }];
  const write = fc.record({
    what: fc.constantFrom("commit", "abort", "end", "park", "take"),
    by: fc.nat({ max: claimants.length - 1 }),
    seen: fc.nat({ max: claimants.length - 1 }),
  });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), (writes) => {
      let record = transaction();
      for (const { what, by, seen } of writes) {
        const claimant = claimants[by] ?? owner;
        if (what === "end" && record.state === "active") continue;
        const result =
          what === "end"
            ? writeEnd(record, claimant, now)
            : what === "park"
              ? writePark(record, claimant, note)
              : what === "take"
                ? writeTakeover(record, { seen: claimants[seen] ?? owner, taker: claimant, now })
                : decide(record, what === "commit" ? "commit" : "abort", claimant);
        const before = decisionOf(record);
        if (before !== undefined) assert.equal(decisionOf(result.record), before);
        if (isEnded(record)) assert.ok(isEnded(result.record));
        assert.ok(result.record.epoch >= record.epoch);
        if (result.kind !== "written") assert.equal(result.record, record);
        record = result.record;
      }
    }),
  );
});

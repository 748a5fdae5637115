import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { transaction } from "./fixtures.test.ts";
import {
  begunHistory,
  nextHistory,
  rebuiltHistory,
  type RecordHistory,
  historyEntries,
  type HistoryEntry,
} from "./record-history.ts";
import {
  isEnded,
  type RecordWrite,
  type TransactionRecord,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "./transaction-record.ts";

const limits = { historyEntriesMax: 8 };
const note = { reason: "silent", since: 1, attempts: 10 };

/** A record and its history, written to as a log does. */
class Kept {
  record: TransactionRecord;
  trail: RecordHistory | undefined;
  now = 100;

  constructor(record: TransactionRecord, history: RecordHistory | undefined) {
    this.record = record;
    this.trail = history;
  }

  static begun(): Kept {
    const record = transaction({ changedAt: 100 });
    return new Kept(record, begunHistory(record));
  }

  get entries(): readonly HistoryEntry[] {
    return historyEntries(this.record, this.trail ?? []);
  }

  write(judge: (record: TransactionRecord, now: number) => RecordWrite): this {
    this.now += 1;
    const write = judge(this.record, this.now);
    assert.equal(write.kind, "written");
    this.trail = nextHistory(this.trail, { before: this.record, after: write.record, now: this.now }, limits);
    this.record = write.record;
    return this;
  }

  decide(decision: "commit" | "abort"): this {
    return this.write((record, now) => writeDecision(record, record, { decision, reason: "sold_out", now }));
  }

  end(): this {
    return this.write((record, now) => writeEnd(record, record, now));
  }

  takeOver(owner: string): this {
    return this.write((record, now) =>
      writeTakeover(record, { seen: record, taker: { owner, epoch: record.epoch + 1 }, now }),
    );
  }

  park(reason: string): this {
    return this.write((record) => writePark(record, record, { ...note, reason }));
  }
}

const { owner, epoch } = transaction();
const first = { owner, epoch };

test("a checkout that goes well leaves three entries", () => {
  assert.deepEqual(Kept.begun().decide("commit").end().entries, [
    { ...first, at: 100, event: "begun" },
    { ...first, at: 101, event: "decided", decision: "commit" },
    { ...first, at: 102, event: "ended" },
  ]);
});

test("an entry says who has the record from then on, a takeover also from whom, an abort why", () => {
  const [second, third] = [
    { owner: "b", epoch: epoch + 1 },
    { owner: "c", epoch: epoch + 2 },
  ];
  assert.deepEqual(Kept.begun().takeOver("b").decide("abort").takeOver("c").end().entries, [
    { ...first, at: 100, event: "begun" },
    { ...second, at: 101, event: "taken_over", from: first },
    { ...second, at: 102, event: "decided", decision: "abort", reason: "sold_out" },
    { ...third, at: 103, event: "taken_over", from: second },
    { ...third, at: 104, event: "ended" },
  ]);
});

test("R4 a note leaves an entry when it comes and when its reason changes, not when it is renewed", () => {
  const kept = Kept.begun().park("silent").park("silent").park("vote_lost").park("vote_lost").park("silent");
  const parked = [101, 103, 105].map((at, index) => {
    return { ...first, at, event: "parked", reason: index === 1 ? "vote_lost" : "silent" };
  });
  assert.deepEqual(kept.entries.slice(1), parked);
  // The decision took the note away: the next one comes anew.
  assert.equal(kept.decide("commit").park("silent").entries.at(-1)?.event, "parked");
});

test("R5 a rebuilt record says in which state it came back, and why", () => {
  const active = transaction({ changedAt: 7 });
  assert.deepEqual(historyEntries(active, rebuiltHistory(active)), [
    { ...first, at: 7, event: "rebuilt", state: "active" },
  ]);
  const aborting = transaction({ changedAt: 7, state: "aborting", reason: "superseded" });
  assert.deepEqual(historyEntries(aborting, rebuiltHistory(aborting)), [
    { ...first, at: 7, event: "rebuilt", state: "aborting", reason: "superseded" },
  ]);
});

test("a record without a history gets one that notes its missing beginning", () => {
  const kept = new Kept(transaction({ changedAt: 50 }), undefined).takeOver("b");
  assert.deepEqual(kept.entries, [
    { ...first, at: 50, event: "left_out", entries: 1 },
    { owner: "b", epoch: epoch + 1, at: 101, event: "taken_over", from: first },
  ]);
});

test("a history that is full keeps the first, the decision and the newest, and counts what it left out", () => {
  const kept = Kept.begun();
  for (let takeover = 1; takeover <= 20; takeover += 1) kept.takeOver(`a${takeover}`);
  kept.decide("commit");
  for (let takeover = 21; takeover <= 40; takeover += 1) kept.takeOver(`a${takeover}`);
  kept.end();
  const at = (number: number): object => ({ owner: `a${number}`, epoch: epoch + number });
  assert.deepEqual(kept.entries, [
    { ...first, at: 100, event: "begun" },
    { ...at(20), at: 120, event: "left_out", entries: 20 },
    { ...at(20), at: 121, event: "decided", decision: "commit" },
    { ...at(37), at: 138, event: "left_out", entries: 17 },
    { ...at(38), at: 139, event: "taken_over", from: at(37) },
    { ...at(39), at: 140, event: "taken_over", from: at(38) },
    { ...at(40), at: 141, event: "taken_over", from: at(39) },
    { ...at(40), at: 142, event: "ended" },
  ]);
});

test("a bound that is too small fails no write", () => {
  const [before, after] = [transaction(), transaction({ state: "committing" })];
  const history = nextHistory(begunHistory(before), { before, after, now: 1 }, { historyEntriesMax: 1 });
  assert.deepEqual(
    historyEntries(after, history).map(({ event }) => event),
    ["begun", "decided"],
  );
});

test("whatever is written, a history is bounded, in order, and loses only takeovers and parkings, the oldest", () => {
  const step = fc.constantFrom("take", "park", "renew", "decide", "end");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kept = Kept.begun();
      const all = [...kept.entries];
      for (const [index, each] of steps.entries()) {
        if (isEnded(kept.record)) break;
        const before = kept.trail;
        if (each === "take") kept.takeOver(`a${index}`);
        else if (each === "park") kept.park(`reason ${index}`);
        else if (each === "renew") kept.park(kept.record.parked?.reason ?? "reason");
        else if (each === "decide" && kept.record.state === "active") kept.decide("abort");
        else if (each === "end" && kept.record.state !== "active") kept.end();
        if (kept.trail !== before) all.push(...kept.entries.slice(-1));
      }
      const { entries } = kept;
      assert.ok(entries.length <= limits.historyEntriesMax, `${entries.length} entries`);
      const reported = entries.filter(({ event }) => event !== "left_out");
      const missing = all.filter((entry) => !reported.some((each) => each.at === entry.at));
      assert.deepEqual(
        reported,
        all.filter((entry) => !missing.includes(entry)),
      );
      assert.ok(missing.every(({ event }) => event === "taken_over" || event === "parked"));
      const counts = entries.map((entry) => (entry.event === "left_out" ? entry.entries : 0));
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        missing.length,
      );
      const newestMissing = missing.at(-1)?.at ?? 0;
      const stays = reported.filter(({ event }) => event === "taken_over" || event === "parked");
      assert.ok(stays.every(({ at }) => at > newestMissing));
    }),
  );
});

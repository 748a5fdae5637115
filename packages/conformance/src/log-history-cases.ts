// The history: what every write of a record did, kept for as long as the record.
import { defaultLimits, type HistoryEntry, type TrailEvent, type TransactionRecord } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import {
  beginRequest,
  begun,
  broughtBack,
  decided,
  decision,
  finished,
  kindsOf,
  lostRecord,
  orderBegun,
  orderKey,
  putOrder,
  removeDue,
} from "./log-requests.ts";
import type { Case } from "./suite.ts";
import type { TestClock } from "./test-clock.ts";

const { maxAgeMs, historyEntriesMax } = defaultLimits;

function entry({ owner, epoch }: TransactionRecord, at: number, event: TrailEvent): HistoryEntry {
  return { at, owner, epoch, ...event };
}

async function takenOver(
  { log }: LogAdapter,
  { txId, owner, epoch }: TransactionRecord,
  by: string,
): Promise<TransactionRecord> {
  const write = await log.takeOver({ txId, seen: { owner, epoch }, taker: { owner: by, epoch: epoch + 1 } });
  assert.ok(write.kind === "written", `the takeover was answered ${JSON.stringify(write)}`);
  return write.record;
}

/** An order whose attempt has been begun, taken over, and is parked. */
async function parkedOrder(adapter: LogAdapter, clock: TestClock): Promise<TransactionRecord> {
  const record = await takenOver(adapter, await orderBegun(adapter, clock), "order/b.2");
  const write = await adapter.log.park({ ...record, note: { reason: "silent", since: clock.now(), attempts: 10 } });
  assert.ok(write.kind === "written");
  return write.record;
}

export const historyCases: readonly Case<LogAdapter>[] = [
  {
    name: "every write of a record adds one entry, at the time of the store",
    async run(adapter, clock) {
      const { log } = adapter;
      const start = clock.now();
      await putOrder(adapter);
      // What the caller says of the time is not what the store says.
      const record = await begun(adapter, clock, { begunAt: start - 700 });
      const expected = [entry(record, start, { event: "begun" })];
      assert.deepEqual(await log.history(record.txId), expected);
      clock.advance(10);
      const taken = await takenOver(adapter, record, "order/b.2");
      const from = { owner: record.owner, epoch: record.epoch };
      expected.push(entry(taken, start + 10, { event: "taken_over", from }));
      assert.deepEqual(await log.history(record.txId), expected);
      clock.advance(10);
      await log.park({ ...taken, note: { reason: "silent", since: start, attempts: 10 } });
      expected.push(entry(taken, start + 20, { event: "parked", reason: "silent" }));
      assert.deepEqual(await log.history(record.txId), expected);
      clock.advance(10);
      await decided(adapter, decision(taken, "abort", { reason: "sold_out" }));
      expected.push(entry(taken, start + 30, { event: "decided", decision: "abort", reason: "sold_out" }));
      assert.deepEqual(await log.history(record.txId), expected);
      clock.advance(10);
      await log.end(taken);
      expected.push(entry(taken, start + 40, { event: "ended" }));
      assert.deepEqual(await log.history(record.txId), expected);
    },
  },
  {
    name: "a commit adds three entries, and transactions have separate histories",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      await adapter.rows.putRow("order-2", "life1", {});
      const other = await begun(adapter, clock, { key: "order-2" });
      await finished(adapter, record, "commit");
      const at = clock.now();
      assert.deepEqual(await adapter.log.history(record.txId), [
        entry(record, at, { event: "begun" }),
        entry(record, at, { event: "decided", decision: "commit" }),
        entry(record, at, { event: "ended" }),
      ]);
      assert.deepEqual(await adapter.log.history(other.txId), [entry(other, at, { event: "begun" })]);
    },
  },
  {
    name: "an abort by an operator keeps who asked for it and why, and the step that an abort is due to",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const operator = { by: "ann \u0000 \ud83d\ude00", why: "booked by mistake" };
      await decided(adapter, decision(record, "abort", { reason: "cancelled", operator, step: "stock" }));
      const written = await adapter.log.read(record.txId);
      assert.deepEqual([written?.operator, written?.step], [operator, "stock"]);
      assert.deepEqual((await adapter.log.history(record.txId))[1], {
        ...entry(record, clock.now(), { event: "decided", decision: "abort", reason: "cancelled" }),
        operator,
      });
    },
  },
  {
    name: "C2 a write that is repeated, lost, unmet or refused adds no entry",
    async run(adapter, clock) {
      const { log } = adapter;
      const record = await orderBegun(adapter, clock);
      const { txId } = record;
      const before = await log.history(txId);
      const stranger = { ...record, owner: "order/c.3" };
      const change = { expect: [{ field: "missing", is: 1 }] };
      const writes = [
        await log.begin(beginRequest(clock)),
        await log.end(record),
        await log.decide(decision(stranger, "abort")),
        await log.decide(decision(record, "commit", { change })),
        await log.takeOver({ txId, seen: stranger, taker: { owner: "order/d.4", epoch: record.epoch + 1 } }),
        await log.takeOver({ txId, seen: stranger, taker: record }),
        await log.park({ ...stranger, note: { reason: "silent", since: clock.now(), attempts: 1 } }),
      ];
      assert.deepEqual(kindsOf(writes), ["in_flight", "lost", "lost", "lost", "lost", "repeated", "unmet"]);
      assert.deepEqual(await log.history(txId), before);
      await finished(adapter, record, "commit");
      const ended = await log.history(txId);
      assert.equal((await log.decide(decision(record, "commit"))).kind, "repeated");
      assert.equal((await log.decide(decision(record, "abort"))).kind, "lost");
      assert.equal((await log.end(record)).kind, "repeated");
      assert.deepEqual(await log.history(txId), ended);
    },
  },
  {
    name: "R2 of concurrent takeovers only the successful one is recorded",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const takers = [1, 2, 3].map((index) => ({ owner: `order/taker${index}.1`, epoch: record.epoch + index }));
      await Promise.all(takers.map((taker) => adapter.log.takeOver({ txId: record.txId, seen: record, taker })));
      const [, taken, ...more] = await adapter.log.history(record.txId);
      assert.equal(taken?.owner, (await adapter.log.read(record.txId))?.owner);
      assert.deepEqual(more, []);
    },
  },
  {
    name: "R4 a note adds an entry when it is set or its reason changes, not each time that it is renewed",
    async run(adapter, clock) {
      const record = await parkedOrder(adapter, clock);
      const reasons = ["silent", "silent", "vote_lost", "vote_lost", "silent"];
      for (const [index, reason] of reasons.entries()) {
        await adapter.log.park({ ...record, note: { reason, since: clock.now(), attempts: 11 + index } });
      }
      const parked = (await adapter.log.history(record.txId)).flatMap((each) =>
        each.event === "parked" ? each.reason : [],
      );
      assert.deepEqual(parked, ["silent", "vote_lost", "silent"]);
    },
  },
  {
    name: "R5 the history of a rebuilt record begins there, with its rebuilt state",
    async run(adapter, clock) {
      const { log } = adapter;
      await putOrder(adapter);
      const active = await broughtBack(adapter, lostRecord(clock));
      const expected = [entry(active, clock.now(), { event: "rebuilt", state: "active" })];
      assert.deepEqual(await log.history(active.txId), expected);
      clock.advance(5);
      await log.rebuild(lostRecord(clock, { owner: "order/c.3" }));
      assert.deepEqual(await log.history(active.txId), expected, "nothing is made again that is there");
      await decided(adapter, decision(active, "commit"));
      const late = await broughtBack(adapter, lostRecord(clock, { txId: `${orderKey}:life1:2` }));
      assert.deepEqual(await log.history(late.txId), [
        entry(late, clock.now(), { event: "rebuilt", state: "aborting", reason: "superseded" }),
      ]);
    },
  },
  {
    name: "S7 the history of an unfinished transaction stays, however old",
    async run(adapter, clock) {
      const record = await parkedOrder(adapter, clock);
      const before = await adapter.log.history(record.txId);
      assert.equal(before.length, 3);
      clock.advance(10 * maxAgeMs);
      await adapter.log.sweep(10);
      assert.deepEqual(await adapter.log.history(record.txId), before);
    },
  },
  {
    name: "P7 a history is kept as long as its record, and removed with it",
    async run(adapter, clock) {
      const { log } = adapter;
      assert.deepEqual(await log.history(`${orderKey}:life1:1`), [], "nothing is known of it");
      const record = await orderBegun(adapter, clock);
      await finished(adapter, record, "commit");
      const ended = await log.history(record.txId);
      clock.advance(2 * maxAgeMs);
      await removeDue(adapter);
      assert.deepEqual(await log.history(record.txId), ended);
      clock.advance(10 * maxAgeMs);
      await removeDue(adapter);
      assert.deepEqual(await log.history(record.txId), []);
    },
  },
  {
    name: "a full history keeps its first entry and the newest, and counts the omitted ones",
    async run(adapter, clock) {
      const first = await orderBegun(adapter, clock);
      let record = first;
      for (let taker = 0; taker < historyEntriesMax + 5; taker += 1) {
        record = await takenOver(adapter, record, `order/taker${taker}.1`);
      }
      await finished(adapter, record, "commit");
      const history = await adapter.log.history(first.txId);
      assert.equal(history.length, historyEntriesMax);
      assert.deepEqual(history[0], entry(first, clock.now(), { event: "begun" }));
      const gap = history[1];
      // Of begin, takeovers, decision and end there is room for all but these, and for the gap.
      assert.ok(gap?.event === "left_out" && gap.entries === 9, JSON.stringify(gap));
      const events = history.slice(2).map(({ event }) => event);
      assert.deepEqual(events.slice(-3), ["taken_over", "decided", "ended"]);
      assert.ok(events.slice(0, -2).every((event) => event === "taken_over"));
      assert.equal(history.at(-1)?.owner, record.owner);
      assert.equal(history[2]?.epoch, gap.epoch + 1, "nothing is missing behind the gap");
    },
  },
];

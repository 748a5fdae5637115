// Any history of log operations, by owners that are alive, late, or wrong, keeps what must hold of records and rows.
import { bindOperations } from "./bound-operations.ts";
import type { BeginResult, Row, Tables } from "../ports/index.ts";
import {
  type Decision,
  decisionOf,
  defaultLimits,
  isEnded,
  type HistoryEntry,
  type TransactionRecord,
} from "../protocol/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import fc from "fast-check";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";
import { BatchTables } from "./batch-tables.ts";
import { logOperations } from "./log-operations.ts";
import { rowOperations } from "./row-operations.ts";
import { unfinishedTable } from "./unfinished-index.ts";

const operations = bindOperations({ ...logOperations, ...rowOperations }, { limits: defaultLimits });
const keys = ["order-1", "order-2"];
const owners = ["a", "b", "c"];
const change = { increment: { paid: 1 } };

type Event =
  | { readonly kind: "begin"; readonly key: string; readonly owner: string }
  | { readonly kind: "decide"; readonly of: number; readonly as: number; readonly decision: Decision }
  | { readonly kind: "end"; readonly of: number; readonly as: number }
  | { readonly kind: "park"; readonly of: number; readonly as: number; readonly note: { readonly reason: string } }
  | { readonly kind: "takeOver"; readonly of: number; readonly as: number; readonly by: string; readonly ahead: number }
  | { readonly kind: "rebuild"; readonly of: number }
  | { readonly kind: "wait"; readonly ms: number }
  /** So much time passes that everything that has ended goes. */
  | { readonly kind: "forget" };

const index = fc.nat({ max: 5 });
/** The claim of a write: of the current record, or of an earlier version of it. */
const claim = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("begin"),
      key: fc.constantFrom(...keys),
      owner: fc.constantFrom(...owners),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("decide"),
      of: index,
      as: claim,
      decision: fc.constantFrom<Decision[]>("commit", "abort"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("end"), of: index, as: claim }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("park"),
      of: index,
      as: claim,
      note: fc.record({ reason: fc.constantFrom("silent", "vote_lost") }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("takeOver"),
      of: index,
      as: claim,
      by: fc.constantFrom(...owners),
      ahead: fc.integer({ min: -1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rebuild"), of: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("wait"),
      ms: fc.constantFrom(1, 1_000, 3_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "forget" as const }) },
);

class History {
  readonly tables: Tables = new BatchTables(new MemoryEngine());
  now = 1_000_000;
  /** Every transaction that was ever begun, each with all states in which it was seen. */
  readonly seen = new Map<string, TransactionRecord[]>();
  /** Of every record that is there: as it was before the event, and its history. */
  readonly reported = new Map<
    string,
    { readonly record: TransactionRecord; readonly entries: readonly HistoryEntry[] }
  >();

  constructor() {
    for (const key of keys)
      operations.putRow(this.tables, { key, incarnation: "life1", fields: { paid: 0 } }, { now: this.now });
  }

  read(txId: string): TransactionRecord | undefined {
    return operations.readRecord(this.tables, { txId }, { now: this.now }) ?? undefined;
  }

  row(key: string): Row {
    const row = operations.readRow(this.tables, { key }, { now: this.now });
    assert.ok(row !== null);
    return row;
  }

  /** The transaction of an event, and the claim that it is made with. */
  #target(of: number, as: number): { readonly txId: string; readonly claim: TransactionRecord } | undefined {
    const all = [...this.seen];
    const [txId, states] = all[of % Math.max(1, all.length)] ?? [];
    const claimed = states?.at(-1 - (as % states.length));
    return txId === undefined || claimed === undefined ? undefined : { txId, claim: claimed };
  }

  apply(event: Event): void {
    const { tables, now } = this;
    switch (event.kind) {
      case "begin":
        this.#begin(event.key, event.owner);
        return;
      case "wait":
        this.now += event.ms;
        return;
      case "forget":
        this.now += 5 * defaultLimits.maxAgeMs;
        this.#removeDue();
        return;
      case "rebuild": {
        const lost = [...this.seen.values()].flatMap(([first]) => (first && !this.read(first.txId) ? [first] : []));
        const first = lost.at(event.of % Math.max(1, lost.length)) ?? this.#target(event.of, 0)?.claim;
        if (first !== undefined) operations.rebuild(tables, { record: { ...first, owner: "d" } }, { now });
        return;
      }
      default:
        this.#write(event);
    }
  }

  #removeDue(): void {
    const { removable } = operations.sweepLog(this.tables, { limit: 100 }, { now: this.now });
    const places = removable.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }));
    operations.removeSwept(this.tables, { places }, { now: this.now });
  }

  #begin(key: string, owner: string): void {
    const before = this.row(key);
    const request = { key, definition: "d", definitionHash: 1, protocol: "2pc", owner, releaseWaitMs: 2_000 } as const;
    const times = { begunAt: this.now, deadlineAt: this.now + 10_000 };
    const result: BeginResult = operations.begin(this.tables, { ...request, ...times }, { now: this.now });
    if (result.kind === "begun") {
      assert.ok(before.outcome === "none" || before.outcome === "aborted", `begun on a ${before.outcome} row`);
      assert.ok(!this.seen.has(result.record.txId), "C4 a name is used once");
      this.seen.set(result.record.txId, [result.record]);
    } else {
      assert.deepEqual(this.row(key), before, "what has not begun changes nothing");
    }
  }

  #write(event: Extract<Event, { as: number }>): void {
    const target = this.#target(event.of, event.as);
    if (target === undefined) return;
    const { tables, now } = this;
    const { txId, claim: claimed } = target;
    const owned = { txId, owner: claimed.owner, epoch: claimed.epoch };
    const before = this.read(txId);
    const isOwner = before?.owner === owned.owner && before.epoch === owned.epoch;
    const context = { now };
    switch (event.kind) {
      case "decide": {
        const { kind } = operations.decide(tables, { ...owned, decision: event.decision, change }, context);
        if (kind === "written") assert.ok(isOwner && before.state === "active", "C2 only its owner decides, once");
        if (kind === "repeated") assert.equal(before && decisionOf(before), event.decision, "C2");
        return;
      }
      case "end": {
        const { kind } = operations.end(tables, owned, context);
        if (kind === "written") assert.ok(isOwner && before.state.endsWith("ing"), "R3 only what is decided ends");
        return;
      }
      case "park":
        operations.park(tables, { ...owned, note: { ...event.note, since: now, attempts: 1 } }, context);
        return;
      case "takeOver": {
        const taker = { owner: event.by, epoch: owned.epoch + event.ahead };
        const { kind } = operations.takeOver(tables, { txId, seen: owned, taker }, context);
        if (kind === "written") assert.ok(isOwner && taker.epoch > before.epoch, "R2 to an epoch never used before");
      }
    }
  }

  check(): void {
    const present = [...this.seen.keys()].map((txId) => this.read(txId)).filter((record) => record !== undefined);
    for (const record of present) this.#checkOne(record);
    for (const txId of this.seen.keys()) this.#checkHistory(txId, this.read(txId));
    const open = present.filter((record) => !isEnded(record)).map(({ txId }) => txId);
    const owners = operations.owners(this.tables, { limit: 100 }, { now: this.now });
    const indexed = owners.flatMap((owner) =>
      operations.unfinished(this.tables, { owner, limit: 100 }, { now: this.now }),
    );
    assert.deepEqual(indexed.map(({ txId }) => txId).sort(), open.sort(), "R4 the index is what has not ended");
    const { length } = this.tables.scan(unfinishedTable, { limit: 100 });
    assert.equal(length, open.length, "R7 one key per unfinished record");
    for (const key of keys) this.#checkRow(this.row(key), present);
  }

  #checkOne(record: TransactionRecord): void {
    const states = this.seen.get(record.txId) ?? [];
    const last = states.at(-1);
    if (JSON.stringify(last) === JSON.stringify(record)) return;
    const decided = states.map(decisionOf).find((decision) => decision !== undefined);
    if (decided !== undefined) assert.equal(decisionOf(record), decided, "C2 a decision never changes");
    states.push(record);
  }

  /** An event writes a record at most once; the newest entry describes the change, and there is no other. */
  #checkHistory(txId: string, record: TransactionRecord | undefined): void {
    const entries = operations.history(this.tables, { txId }, { now: this.now });
    if (record === undefined) {
      assert.deepEqual(entries, [], "P7 a history is removed with its record");
      this.reported.delete(txId);
      return;
    }
    const before = this.reported.get(txId);
    this.reported.set(txId, { record, entries });
    assert.deepEqual(replayed(entries), stateFromHistory(record), "the history explains the state of the record");
    const isChanged =
      before === undefined || !isDeepStrictEqual(stateFromHistory(before.record), stateFromHistory(record));
    const earlier = before?.entries ?? [];
    assert.deepEqual(entries.slice(0, earlier.length), earlier, "an entry never changes");
    assert.equal(entries.length, earlier.length + (isChanged ? 1 : 0), "one entry for one write");
    if (isChanged) assert.equal(entries.at(-1)?.at, this.now);
  }

  #checkRow(row: Row, present: readonly TransactionRecord[]): void {
    const committed = [...this.seen]
      .filter(([txId]) => txId.startsWith(`${row.key}:`))
      .filter(([, states]) => states.some((state) => decisionOf(state) === "commit"));
    assert.ok(committed.length <= 1, `S4 ${row.key} was committed ${committed.length} times`);
    assert.equal(row.outcome === "committed", committed.length === 1, `S4 a ${row.outcome} row`);
    assert.equal(row.fields["paid"], committed.length, "C4 the change of a commit is applied with it, once");
    const latest = present.find(({ txId }) => txId === `${row.key}:life1:${row.attempt}`);
    if (row.outcome === "pending") assert.equal(latest?.state, "active", "C4 a pending row has an active record");
    if (row.outcome === "aborted" && latest !== undefined) assert.equal(decisionOf(latest), "abort", "C4");
  }
}

type LoggedState = Pick<TransactionRecord, "state" | "owner" | "epoch" | "reason"> & { readonly note?: string };

const stateFromHistory = ({ state, owner, epoch, reason, parked }: TransactionRecord): LoggedState => ({
  state,
  owner,
  epoch,
  ...(reason !== undefined && { reason }),
  ...(parked !== undefined && { note: parked.reason }),
});

/** What a record must be that this was written to. */
function replayed(entries: readonly HistoryEntry[]): LoggedState {
  return entries.reduce(after, { state: "active", owner: "", epoch: 0 });
}

function after(reported: LoggedState, entry: HistoryEntry): LoggedState {
  const { owner, epoch } = entry;
  const { note: _note, ...unparked } = { ...reported, owner, epoch };
  switch (entry.event) {
    case "begun":
      return unparked;
    case "rebuilt":
      return { ...unparked, state: entry.state, ...(entry.reason !== undefined && { reason: entry.reason }) };
    case "taken_over":
      assert.deepEqual(entry.from, { owner: reported.owner, epoch: reported.epoch });
      return { ...reported, owner, epoch };
    case "parked":
      return { ...unparked, note: entry.reason };
    case "decided":
      return entry.decision === "commit"
        ? { ...unparked, state: "committing" }
        : { ...unparked, state: "aborting", reason: entry.reason ?? assert.fail() };
    case "ended":
      return { ...unparked, state: reported.state === "committing" ? "committed" : "aborted" };
    case "left_out":
      return assert.fail("there was room for everything");
  }
}

test("C2 C4 R2 R4 S4 any history of a log keeps records, rows, indexes and histories consistent", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 80 }), (events) => {
      const history = new History();
      for (const each of events) {
        history.apply(each);
        history.check();
      }
    }),
    { numRuns: 300 },
  );
});

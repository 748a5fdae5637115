// Calls to the log and its rows: few keys and owners, so that writers meet; claims that are mostly right, and sometimes
// late or another process's.
import type { BeginRequest, Postponed, RemovablePlace, Row, RowChange } from "assent/internal/ports";
import { type JsonObject, lostAttemptsMax, type TransactionRecord } from "assent/internal/protocol";
import { beginRequest } from "../log-requests.ts";
import type { TestClock } from "../test-clock.ts";
import type { Call } from "./call.ts";
import type { Draw } from "./draw.ts";
import type { Model } from "./model.ts";
import { hasEnded } from "./model-log.ts";
import { oddNames } from "./odd-names.ts";

const keysMax = 5;
const owners = ["order/a.1", "order/b.1", "order/c.2"];
/** A transaction that never was. */
const unheardOf = "order-0:nobody:1";
const contents = ["content-a", "content-b"];

const changes: readonly RowChange[] = [
  {},
  { set: { state: "paid", units: 1 } },
  { set: { units: 5 }, increment: { units: 1, total: -1 }, append: { lines: ["b", 1] } },
  { expect: [{ field: "units", atMost: 5 }], increment: { units: 2 } },
  { expect: [{ field: "units", atLeast: 3 }], increment: { units: -2 }, append: { lines: "c" } },
  { expect: [{ field: "state", is: "open" }], set: { note: { by: "a" } } },
  {
    expect: [
      { field: "lines", is: ["a"] },
      { field: "units", atMost: 9 },
    ],
    set: { state: "seen" },
  },
  { expect: [{ field: "missing", is: "open" }] },
  { expect: [{ field: "state", atLeast: 0 }] },
];

/** Changes that cannot be done: they fail as a whole. */
const impossible: readonly RowChange[] = [
  { set: { state: "half" }, increment: { state: 1 } },
  { increment: { units: 1 }, append: { total: 1 } },
  { increment: { units: Number.MAX_SAFE_INTEGER } },
];

type Owned = Pick<TransactionRecord, "txId" | "owner" | "epoch">;

interface World {
  readonly model: Model;
  readonly clock: TestClock;
  readonly draw: Draw;
}

export class RandomLogCalls {
  readonly #model: Model;
  readonly #clock: TestClock;
  readonly #draw: Draw;
  readonly #keys: string[] = [];
  /** Names of transactions that are or were there. */
  readonly #names: string[] = [];
  #lives = 0;

  constructor({ model, clock, draw }: World) {
    this.#model = model;
    this.#clock = clock;
    this.#draw = draw;
    for (let key = 0; key < keysMax; key += 1) this.#keys.push(orderName(key));
  }

  next(): Call {
    const call = this.#draw.weighted<() => Call>([
      [20, () => ({ port: "log", method: "begin", args: [this.#begin()] })],
      [18, () => ({ port: "log", method: "decide", args: [this.#decide()] })],
      [9, () => ({ port: "log", method: "end", args: [this.#claim(this.#target())] })],
      [6, () => this.#takeOver()],
      [4, () => this.#park()],
      [2, () => ({ port: "log", method: "read", args: [this.#name()] })],
      [1, () => ({ port: "log", method: "peek", args: [this.#key()] })],
      [1, () => this.#ownersRead()],
      [3, () => this.#unfinished()],
      [2, () => ({ port: "log", method: "history", args: [this.#name()] })],
      [8, () => ({ port: "log", method: "rebuild", args: [this.#lost()] })],
      [2, () => ({ port: "log", method: "sweep", args: [1 + this.#draw.below(3)] })],
      [2, () => ({ port: "log", method: "remove", args: [this.#places()] })],
      [1, () => ({ port: "log", method: "postpone", args: [this.#postponed()] })],
      [2, () => ({ port: "rows", method: "putRow", args: [this.#key(), this.#life(), this.#fields()] })],
      [1, () => this.#putRows()],
      [2, () => ({ port: "rows", method: "readRow", args: [this.#key()] })],
      [5, () => ({ port: "rows", method: "changeRow", args: [this.#key(), this.#change()] })],
      [3, () => this.#onOddName()],
    ])();
    return call;
  }

  /** Few names, so that what was stored under one is met under another that a store might take for the same. */
  #onOddName(): Call {
    const key = this.#draw.of(oddNames);
    const row = this.#model.rows.all.get(key);
    const txId = row === undefined || row.attempt === 0 ? `${key}:never:1` : nameOfAttempt(row);
    return this.#draw.weighted<() => Call>([
      [4, () => ({ port: "rows", method: "putRow", args: [key, this.#life(), this.#fields()] })],
      [1, () => ({ port: "rows", method: "putRows", args: [this.#life(), this.#rowsOf([this.#key(), key])] })],
      [2, () => ({ port: "rows", method: "readRow", args: [key] })],
      [1, () => ({ port: "rows", method: "changeRow", args: [key, this.#change()] })],
      [1, () => ({ port: "log", method: "peek", args: [key] })],
      [4, () => ({ port: "log", method: "begin", args: [{ ...this.#begin(), key }] })],
      [2, () => ({ port: "log", method: "read", args: [txId] })],
      [1, () => ({ port: "log", method: "history", args: [txId] })],
      [2, () => ({ port: "log", method: "rebuild", args: [{ ...this.#lost(), key, txId }] })],
      [2, () => ({ port: "log", method: "decide", args: [{ ...this.#decide(), txId }] })],
      [1, () => ({ port: "log", method: "remove", args: [[...this.#places(), { dueAt: 0, txId }]] })],
    ])();
  }

  #key(): string {
    // A key that nobody has used yet, in place of one that everybody has.
    if (this.#draw.chance(2)) {
      this.#lives += 1;
      this.#keys[this.#draw.below(keysMax)] = orderName(keysMax + this.#lives);
    }
    return this.#draw.of(this.#keys);
  }

  #life(): string {
    this.#lives += 1;
    return `life${this.#lives}`;
  }

  #fields(): JsonObject {
    return { state: this.#draw.of(["open", "shut"]), units: this.#draw.below(8), total: 30, lines: ["a"] };
  }

  #change(): RowChange {
    return this.#draw.of(this.#draw.chance(30) ? impossible : changes);
  }

  #begin(): BeginRequest {
    const draw = this.#draw;
    const key = this.#key();
    // A repeat of what the row was made of, or other content.
    const repeated = draw.chance(70) ? this.#model.rows.all.get(key)?.incarnation : undefined;
    const incarnation = repeated ?? draw.of(contents);
    const begunAt = this.#clock.now() - draw.below(3);
    return beginRequest(this.#clock, {
      key,
      // Mostly the same; another one under a key is refused.
      ...(draw.chance(8) && { definition: "refund" }),
      owner: draw.of(owners),
      protocol: draw.of(["2pc", "saga"] as const),
      begunAt,
      releaseWaitMs: draw.of([0, 2_000, 2_000, 2_000]),
      ...(draw.chance(35) && { create: { incarnation, fields: this.#fields() } }),
      ...(draw.chance(35) && { change: this.#change() }),
    });
  }

  /** A record to write to: mostly the one that its row is about, or another that is under way. */
  #target(): Owned {
    const draw = this.#draw;
    const records = [...this.#model.log.all.values()];
    const open = records.filter((record) => !hasEnded(record));
    const row = this.#model.rows.all.get(this.#key());
    const record = draw.weighted([
      [9, row && this.#model.log.all.get(nameOfAttempt(row))],
      [6, open[draw.below(open.length)]],
      [3, records[draw.below(records.length)]],
      [2, undefined],
    ]);
    if (record === undefined) return { txId: this.#name(), owner: draw.of(owners), epoch: this.#clock.now() };
    if (!this.#names.includes(record.txId)) this.#names.push(record.txId);
    return record;
  }

  #name(): string {
    return this.#draw.of(this.#draw.chance(30) || this.#names.length === 0 ? [unheardOf] : this.#names);
  }

  /** A claim to a record: mostly its owner's, else a late, early or foreign one. */
  #claim({ txId, owner, epoch }: Owned): Owned {
    if (this.#draw.chance(80)) return { txId, owner, epoch };
    return { txId, owner: this.#draw.of(owners), epoch: epoch + this.#draw.of([-1, -1, -1, 0, 0, 0, 1]) };
  }

  #decide(): Extract<Call, { method: "decide" }>["args"][0] {
    const draw = this.#draw;
    const change = draw.chance(60) && { change: this.#change() };
    const reason = draw.chance(75) && { reason: draw.of(["sold_out", "silent"]) };
    const step = draw.chance(30) && { step: draw.of(["seats", "rooms"]) };
    const operator = draw.chance(20) && { operator: { by: draw.of(["ann", "bob"]), why: "by mistake" } };
    return {
      ...this.#claim(this.#target()),
      decision: draw.of(["commit", "commit", "abort"] as const),
      ...change,
      ...reason,
      ...step,
      ...operator,
    };
  }

  #takeOver(): Call {
    const target = this.#target();
    const { txId, ...seen } = this.#claim(target);
    const taker = { owner: this.#draw.of(owners), epoch: target.epoch + this.#draw.of([-1, 0, 1, 1, 5]) };
    return { port: "log", method: "takeOver", args: [{ txId, seen, taker }] };
  }

  #park(): Call {
    const draw = this.#draw;
    const reason = draw.of(["silent", "unplanned"]);
    const note = { reason, since: this.#clock.now() - draw.below(3), attempts: 1 + draw.below(9) };
    return { port: "log", method: "park", args: [{ ...this.#claim(this.#target()), note }] };
  }

  #ownersRead(): Call {
    const after = this.#draw.of([undefined, undefined, ...owners, "zzz"]);
    return { port: "log", method: "owners", args: [after, 1 + this.#draw.below(3)] };
  }

  #unfinished(): Call {
    const draw = this.#draw;
    const open = [...this.#model.log.all.values()].filter((record) => !hasEnded(record));
    const [one, other] = [draw, draw].map(() => open[draw.below(open.length)]);
    const owner = draw.chance(80) && one !== undefined ? one.owner : draw.of(owners);
    const deadlineBefore = (other?.deadlineAt ?? this.#clock.now()) + draw.below(2);
    const range = {
      limit: 1 + draw.below(5),
      ...(draw.chance(50) && { deadlineBefore }),
      ...(draw.chance(30) && other !== undefined && { after: other }),
    };
    return { port: "log", method: "unfinished", args: [owner, range] };
  }

  /** A record that the log has lost, or one beside it that it never had. */
  #lost(): TransactionRecord {
    const txId = this.#lostName();
    const { owner, create: _create, change: _change, releaseWaitMs: _wait, ...pinned } = this.#begin();
    const epoch = this.#clock.now() + this.#draw.below(5);
    const [key = ""] = txId.split(":");
    return { ...pinned, key, txId, state: "active", epoch, owner, input: this.#fields(), changedAt: pinned.begunAt };
  }

  #lostName(): string {
    const { log, rows } = this.#model;
    const lost = this.#names.filter((txId) => !log.all.has(txId));
    if (lost.length > 0 && this.#draw.chance(50)) return this.#draw.of(lost);
    const key = this.#key();
    const row = rows.all.get(key) ?? { key, incarnation: this.#draw.of(contents), attempt: 0 };
    const incarnation = this.#draw.chance(80) ? row.incarnation : "never";
    return nameOfAttempt({ key, incarnation, attempt: Math.max(1, row.attempt + this.#ahead()) });
  }

  /** Some of what is due, and something that is not. */
  #places(): readonly RemovablePlace[] {
    const due = this.#model.log.due().filter(() => this.#draw.chance(60));
    const places = due.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }));
    return this.#draw.chance(20) ? [...places, { dueAt: this.#clock.now(), txId: this.#name() }] : places;
  }

  #postponed(): readonly Postponed[] {
    return this.#places().map((place) => ({ ...place, untilMs: this.#clock.now() + this.#draw.of([1, 60_000]) }));
  }

  /** Mostly near the row's, and sometimes what only a forged message can name. */
  #ahead(): number {
    return this.#draw.chance(5) ? lostAttemptsMax + 1 : this.#draw.of([-1, 0, 1]);
  }

  #putRows(): Call {
    return { port: "rows", method: "putRows", args: [this.#life(), this.#rowsOf([this.#key(), this.#key()])] };
  }

  #rowsOf(keys: readonly string[]): readonly (readonly [string, JsonObject])[] {
    return [...new Set(keys)].map((key) => [key, this.#fields()] as const);
  }
}

const nameOfAttempt = ({ key, incarnation, attempt }: Pick<Row, "key" | "incarnation" | "attempt">): string =>
  `${key}:${incarnation}:${attempt}`;

/** Names from both sides of each border that UTF-16 and UTF-8 draw differently. */
function orderName(number: number): string {
  return `order-${["", "\uffff", "\u{10000}", "\ue000"][number % 4] ?? ""}${number}`;
}

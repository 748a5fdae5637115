// Requests to a log, with defaults, and the steps that most cases begin with.
import type { BeginRequest, DecideRequest, LogSweep, RemovablePlace } from "assent/internal/ports";
import type { Decision, JsonObject, TransactionRecord } from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LogAdapter } from "./adapters.ts";
import type { TestClock } from "./test-clock.ts";

export const orderKey = "order-1";
export const orderFields: JsonObject = { state: "open", units: 2, total: 30, lines: ["a"] };
export const owner = "order/a.1";
export const releaseWaitMs = 2_000;

export function beginRequest(clock: TestClock, change: Partial<BeginRequest> = {}): BeginRequest {
  return {
    key: orderKey,
    definition: "checkout",
    definitionHash: 7,
    protocol: "2pc",
    owner,
    begunAt: clock.now(),
    deadlineAt: clock.now() + 10_000,
    releaseWaitMs,
    ...change,
  };
}

/** Puts an order in its first life. */
export function putOrder({ rows }: LogAdapter, fields: JsonObject = orderFields): Promise<void> {
  return rows.putRow(orderKey, "life1", fields);
}

/** Begins an attempt that must begin. */
export async function begun(
  { log }: LogAdapter,
  clock: TestClock,
  change: Partial<BeginRequest> = {},
): Promise<TransactionRecord> {
  const result = await log.begin(beginRequest(clock, change));
  assert.ok(result.kind === "begun", `begin was answered ${JSON.stringify(result)}`);
  return result.record;
}

/** An order with an attempt under way. */
export async function orderBegun(adapter: LogAdapter, clock: TestClock): Promise<TransactionRecord> {
  await putOrder(adapter);
  return begun(adapter, clock);
}

export function decision(
  record: TransactionRecord,
  decided: Decision,
  change: Partial<DecideRequest> = {},
): DecideRequest {
  return { txId: record.txId, owner: record.owner, epoch: record.epoch, decision: decided, ...change };
}

/** Takes a decision that must be written now. */
export async function decided({ log }: LogAdapter, request: DecideRequest): Promise<TransactionRecord> {
  const result = await log.decide(request);
  assert.ok(result.kind === "written", `the decision was answered ${JSON.stringify(result)}`);
  return result.record;
}

/** Rebuilds a record whose key is not another definition's. */
export async function broughtBack({ log }: LogAdapter, lost: TransactionRecord): Promise<TransactionRecord> {
  const record = await log.rebuild(lost);
  assert.ok(record !== undefined, `${lost.txId} was not rebuilt`);
  return record;
}

/** Decides and ends. */
export async function finished(
  adapter: LogAdapter,
  record: TransactionRecord,
  outcome: Decision,
): Promise<TransactionRecord> {
  await decided(adapter, decision(record, outcome, outcome === "abort" ? { reason: "sold_out" } : {}));
  const result = await adapter.log.end(record);
  assert.ok(result.kind === "written", `the end was answered ${JSON.stringify(result)}`);
  return result.record;
}

/** Kinds of several results, sorted, to count who won. */
export function kindsOf(results: readonly { readonly kind: string }[]): readonly string[] {
  return results.map(({ kind }) => kind).sort();
}

/** The places in the index where the records of a sweep are due. */
export function placesOf({ removable }: LogSweep): readonly RemovablePlace[] {
  return removable.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }));
}

/** Removes all records that are due, as if their branches had forgotten. */
export async function removeDue({ log }: LogAdapter): Promise<void> {
  await log.remove(placesOf(await log.sweep(100)));
}

/** A record as it was before its log forgot it: what R5 rebuilds from. */
export function lostRecord(clock: TestClock, change: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    txId: `${orderKey}:life1:1`,
    key: orderKey,
    definition: "checkout",
    definitionHash: 7,
    protocol: "2pc",
    state: "active",
    epoch: clock.now() + 1,
    owner: "order/b.2",
    begunAt: clock.now(),
    deadlineAt: clock.now() + 10_000,
    input: orderFields,
    changedAt: clock.now(),
    ...change,
  };
}

// `assent history`: the history of one transaction, read only from the stores: from a folder that is not in use, or
// from the order database of a running system.
import type { Tables } from "assent/internal/ports";
import { type HistoryEntry, transactionId, type TransactionState } from "assent/internal/protocol";
import { readHistory, readRecord, readRow } from "assent/internal/engine";
import { resolve } from "node:path";
import { readFolder, readStore } from "./embedded/folder-reader.ts";
import { readDatabase } from "./processes/database-reader.ts";
import { keyPrefix, placeOf, readDatabaseSettings } from "./processes/database-settings.ts";
import { settingsOfRunning } from "./running-topology.ts";
import { InvalidSettings, readSettings } from "./settings.ts";

export interface HistoryOptions {
  readonly data?: string;
  readonly topology?: string;
  readonly database?: boolean;
}

export interface HistoryReport {
  readonly txId: string;
  readonly state: TransactionState;
  /** Oldest first; `at` in milliseconds since 1970. */
  readonly entries: readonly HistoryEntry[];
}

/** The log has no transaction of this name. `code` is stable. */
export class NoSuchTransaction extends Error {
  readonly code = "no_such_transaction";

  constructor(message: string) {
    super(message);
    this.name = "NoSuchTransaction";
  }
}

/**
 * `name` is a transaction, or an order, which stands for its latest attempt. Also returns where the history was read.
 * @throws {DataFolderInUse} {NoSuchData} of a folder; {NothingRuns} {DatabaseUnreadable} of a database;
 *   {InvalidSettings} {NoSuchTransaction}
 */
export async function history(
  name: string,
  options: HistoryOptions,
): Promise<{ readonly place: string; readonly report: HistoryReport }> {
  const { data, topology, database } = options;
  const readAt = (place: string) => (tables: Tables) => reportHistory(tables, { name, place });
  if (topology === undefined && database !== true) {
    const place = resolve(readSettings(process.env, { ASSENT_DATA: data }).ASSENT_DATA);
    return { place, report: readFolder(place, (folder) => readStore(folder, "orders.db", readAt(place))) };
  }
  if (database === true && (topology ?? data) !== undefined) {
    throw new InvalidSettings(
      "--database takes its address from the environment, without --topology and --data. Nothing was read.",
    );
  }
  const environment = topology === undefined ? process.env : settingsOfRunning({ topology, data }, "order");
  const settings = readDatabaseSettings(environment);
  const place = placeOf(settings);
  const report = await readDatabase({ settings, prefix: keyPrefix(settings, "orders"), read: readAt(place) });
  return { place, report };
}

interface Wanted {
  readonly name: string;
  readonly place: string;
}

function reportHistory(tables: Tables, wanted: Wanted): HistoryReport {
  const { name } = wanted;
  const txId = readRecord(tables, name) === undefined ? latestOf(tables, wanted) : name;
  const record = readRecord(tables, txId);
  if (record === undefined) throw new NoSuchTransaction(`${txId} ended long ago, and its history was removed with it`);
  return { txId, state: record.state, entries: readHistory(tables, txId) };
}

function latestOf(tables: Tables, { name: key, place }: Wanted): string {
  const row = readRow(tables, key);
  if (row === undefined) {
    throw new NoSuchTransaction(
      `no transaction or order ${key} in ${place}. It never began, or it ended long ago and was removed`,
    );
  }
  if (row.attempt === 0) throw new NoSuchTransaction(`order ${key} was never checked out`);
  return transactionId(row);
}

export function printHistory(place: string, { txId, state, entries }: HistoryReport): void {
  console.log(`data in ${place}`);
  console.log(`${txId} is ${state}`);
  for (const entry of entries) {
    console.log(`${new Date(entry.at).toISOString()}  ${wordsOf(entry)}, ${entry.owner} @${entry.epoch}`);
  }
}

function wordsOf(entry: HistoryEntry): string {
  switch (entry.event) {
    case "begun":
    case "ended":
      return entry.event;
    case "rebuilt":
      return `rebuilt ${entry.state}${entry.reason === undefined ? "" : ` (${entry.reason})`}`;
    case "taken_over":
      return `taken over from ${entry.from.owner} @${entry.from.epoch}`;
    case "parked":
      return `parked (${entry.reason})`;
    case "decided":
      return `decided to ${entry.decision}${entry.reason === undefined ? "" : ` (${entry.reason})`}`;
    case "left_out":
      return `${entry.entries} or more takeovers and parkings omitted`;
  }
}

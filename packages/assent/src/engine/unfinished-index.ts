// The index of unfinished records: by owner, then deadline, then txId (R7). One key per record, written in the same
// step as the record and fixed until ownership changes, so that a sweep reads what is due and nothing else.
import { type ScannedTable, table, type Tables, type UnfinishedRange } from "../ports/index.ts";
import { isEnded, type TransactionRecord } from "../protocol/index.ts";
import { keyOfTimeKey, timeKey } from "./time-key.ts";

export const unfinishedTable: ScannedTable<null> = table("unfinished", "index");
/** The index of earlier versions: its keys are plain txIds. */
export const formerIndexTable: ScannedTable<null> = table("active", "index");

/** Ends an owner in a key; sorts before everything that an escaped owner consists of. */
const ownerEnd = "!";
/** The first character after `ownerEnd`: all keys of an owner lie between the two. */
const afterOwnerEnd = '"';
/** Keys of the former index that one step moves. */
const movedMax = 10_000;

export function unfinishedKey({ owner, deadlineAt, txId }: Indexed): string {
  return escaped(owner) + ownerEnd + timeKey(deadlineAt, txId);
}

type Indexed = Pick<TransactionRecord, "owner" | "deadlineAt" | "txId">;
type ReadRecord = (tables: Tables, txId: string) => TransactionRecord | undefined;

export function addUnfinished(tables: Tables, record: Indexed): void {
  tables.put(unfinishedTable, unfinishedKey(record), null);
}

export function removeUnfinished(tables: Tables, record: Indexed): void {
  tables.delete(unfinishedTable, unfinishedKey(record));
}

/** A record's place follows its owner. */
export function moveUnfinished(tables: Tables, { before, after }: { before: Indexed; after: Indexed }): void {
  if (before.owner === after.owner) return;
  removeUnfinished(tables, before);
  addUnfinished(tables, after);
}

/** One small scan per owner, however many records each of them has. */
export function ownersOfUnfinished(
  tables: Tables,
  { after, limit }: { readonly after?: string; readonly limit: number },
): readonly string[] {
  const owners: string[] = [];
  let passed = after === undefined ? undefined : escaped(after) + afterOwnerEnd;
  while (owners.length < limit) {
    const [next] = tables.scan(unfinishedTable, { ...(passed !== undefined && { after: passed }), limit: 1 });
    if (next === undefined) break;
    const owner = next[0].slice(0, next[0].indexOf(ownerEnd));
    owners.push(unescaped(owner));
    passed = owner + afterOwnerEnd;
  }
  return owners;
}

/** A key that its record does not belong at (a process of an earlier version wrote the record) is put right. */
export function readUnfinished(
  tables: Tables,
  { owner, deadlineBefore, after, limit }: UnfinishedRange & { readonly owner: string },
  readRecord: ReadRecord,
): readonly TransactionRecord[] {
  const begin = escaped(owner);
  const keys = tables.scan(unfinishedTable, {
    after: after === undefined ? begin + ownerEnd : unfinishedKey({ ...after, owner }),
    before: deadlineBefore === undefined ? begin + afterOwnerEnd : begin + ownerEnd + timeKey(deadlineBefore, ""),
    limit,
  });
  return keys.flatMap(([key]) => {
    const record = readRecord(tables, unfinishedTxId(key));
    if (record !== undefined && !isEnded(record) && unfinishedKey(record) === key) return [record];
    tables.delete(unfinishedTable, key);
    if (record !== undefined && !isEnded(record)) addUnfinished(tables, record);
    return [];
  });
}

/** Moves what an earlier version has left in its index. Costs one empty scan when there is nothing. */
export function moveFormerIndex(tables: Tables, readRecord: ReadRecord): void {
  for (const [txId] of tables.scan(formerIndexTable, { limit: movedMax })) {
    const record = readRecord(tables, txId);
    tables.delete(formerIndexTable, txId);
    if (record !== undefined && !isEnded(record)) addUnfinished(tables, record);
  }
}

/** The transaction of a key. */
export function unfinishedTxId(key: string): string {
  return keyOfTimeKey(key.slice(key.indexOf(ownerEnd) + 1));
}

/** Printable, without `ownerEnd`, and in the order of the owners themselves: all that is outside of # to } is coded. */
function escaped(owner: string): string {
  return owner.replaceAll(/[^#-}]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x23 ? `"${code.toString(16).padStart(2, "0")}` : `~${code.toString(16).padStart(4, "0")}`;
  });
}

function unescaped(text: string): string {
  return text.replaceAll(/"(..)|~(....)/g, (_, low?: string, high?: string) =>
    String.fromCharCode(Number.parseInt(low ?? high ?? "", 16)),
  );
}

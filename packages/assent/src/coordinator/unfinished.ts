// All unfinished records of a log, of all owners: for views, not for sweeps.
import type { TransactionRecord } from "../protocol/index.ts";
import type { TransactionLog, UnfinishedPlace } from "../ports/transaction-log.ts";

const ownersPageMax = 64;
const recordsPageMax = 256;

type UnfinishedLog = Pick<TransactionLog, "owners" | "unfinished">;

/**
 * By owner, and then by deadline. A record that changes hands meanwhile may be missed, or met twice. Rejects when the
 * log does not answer.
 */
export async function* eachUnfinished(
  log: UnfinishedLog,
  pageMax: number = recordsPageMax,
): AsyncGenerator<TransactionRecord> {
  let after: string | undefined;
  for (;;) {
    const owners = await log.owners(after, ownersPageMax);
    for (const owner of owners) yield* ofOwner(log, owner, pageMax);
    if (owners.length < ownersPageMax) return;
    after = owners.at(-1);
  }
}

async function* ofOwner(log: UnfinishedLog, owner: string, limit: number): AsyncGenerator<TransactionRecord> {
  let after: UnfinishedPlace | undefined;
  for (;;) {
    const page = await log.unfinished(owner, { limit, ...(after !== undefined && { after }) });
    yield* page;
    if (page.length < limit) return;
    after = page.at(-1);
  }
}

/** Up to `limit` of them. */
export async function unfinishedRecords(log: UnfinishedLog, limit: number): Promise<readonly TransactionRecord[]> {
  const records: TransactionRecord[] = [];
  if (limit === 0) return records;
  for await (const record of eachUnfinished(log, Math.min(limit, recordsPageMax))) {
    records.push(record);
    if (records.length === limit) break;
  }
  return records;
}

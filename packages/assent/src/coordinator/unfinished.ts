// All unfinished records of a log, whoever owns them: for views, not for sweeps.
import type { TransactionRecord } from "../protocol/index.ts";
import type { TransactionLog } from "../ports/transaction-log.ts";

const ownersPageMax = 64;

/** Up to `limit` of them, by owner. */
export async function unfinishedRecords(
  log: Pick<TransactionLog, "owners" | "unfinished">,
  limit: number,
): Promise<readonly TransactionRecord[]> {
  const records: TransactionRecord[] = [];
  let after: string | undefined;
  for (;;) {
    const owners = await log.owners(after, ownersPageMax);
    for (const owner of owners) {
      if (records.length >= limit) return records;
      records.push(...(await log.unfinished(owner, { limit: limit - records.length })));
    }
    if (owners.length < ownersPageMax) return records;
    after = owners.at(-1);
  }
}

// Branch records in the user's own SQLite file: one table, readable in SQL.
import { type BranchRecord, type Limits, removableAt, shouldAsk } from "assent/internal/protocol";
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** `record` is the whole record as JSON; the other columns are for queries. Times are epoch milliseconds. */
const schema = `
  CREATE TABLE IF NOT EXISTS assent_branches (
    service TEXT NOT NULL,
    tx_id TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL,
    asks_at INTEGER,
    removable_at INTEGER,
    PRIMARY KEY (service, tx_id, branch_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS assent_branches_asking ON assent_branches (service, asks_at) WHERE asks_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS assent_branches_removable ON assent_branches (service, removable_at)
    WHERE removable_at IS NOT NULL;
`;

export type Lifetimes = Pick<Limits, "maxAgeMs" | "askAfterMs" | "clockSkewMs">;

interface Row {
  readonly record: string;
  readonly asks_at: number | null;
}

export class BranchTable {
  readonly #service: string;
  readonly #limits: Lifetimes;
  readonly #found: StatementSync;
  readonly #put: StatementSync;
  readonly #asking: StatementSync;
  readonly #postpone: StatementSync;
  readonly #remove: StatementSync;

  /** Makes the table where it is not there. */
  constructor(database: DatabaseSync, { service, limits }: { readonly service: string; readonly limits: Lifetimes }) {
    this.#service = service;
    this.#limits = limits;
    database.exec(schema);
    const mine = "service = ? AND tx_id = ? AND branch_id = ?";
    this.#found = database.prepare(`SELECT record, asks_at FROM assent_branches WHERE ${mine}`);
    this.#put = database.prepare("INSERT OR REPLACE INTO assent_branches VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#asking = database.prepare(
      `SELECT record, asks_at FROM assent_branches WHERE service = ? AND asks_at < ?
        ORDER BY asks_at, tx_id, branch_id LIMIT ?`,
    );
    this.#postpone = database.prepare(`UPDATE assent_branches SET asks_at = ? WHERE ${mine}`);
    this.#remove = database.prepare(
      `DELETE FROM assent_branches WHERE (service, tx_id, branch_id) IN (
        SELECT service, tx_id, branch_id FROM assent_branches WHERE service = ? AND removable_at < ?
        ORDER BY removable_at LIMIT ?)`,
    );
  }

  read(txId: string, branchId: string): BranchRecord | undefined {
    return recordOf(this.#row(txId, branchId));
  }

  write(record: BranchRecord): void {
    const { txId, branchId, begunAt, state } = record;
    // A branch that has asked already asks again at its own time, whatever changes meanwhile.
    const asked = this.#row(txId, branchId)?.asks_at;
    const asksAt = shouldAsk(record) ? (asked ?? begunAt + this.#limits.askAfterMs) : null;
    const removable = removableAt(record, this.#limits) ?? null;
    this.#put.run(this.#service, txId, branchId, state, JSON.stringify(record), asksAt, removable);
  }

  /** The records that are due to ask, those that waited longest first; each falls due again later. */
  takeAsking(now: number, limit: number): readonly BranchRecord[] {
    const rows = this.#asking.all(this.#service, now, limit) as unknown as readonly Row[];
    const records = rows.flatMap((row) => recordOf(row) ?? []);
    for (const { txId, branchId } of records) {
      this.#postpone.run(now + this.#limits.askAfterMs, this.#service, txId, branchId);
    }
    return records;
  }

  /** Removes records that may go, up to the limit. @returns how many went */
  removeOld(now: number, limit: number): number {
    return Number(this.#remove.run(this.#service, now, limit).changes);
  }

  #row(txId: string, branchId: string): Row | undefined {
    return this.#found.get(this.#service, txId, branchId) as unknown as Row | undefined;
  }
}

function recordOf(row: Row | undefined): BranchRecord | undefined {
  return row === undefined ? undefined : (JSON.parse(row.record) as BranchRecord);
}

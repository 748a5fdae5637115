// The port between a coordinator and its database: what `coordinator` needs of a store.
import type { Limits } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Lease } from "./lease.ts";
import type { TransactionLog } from "./transaction-log.ts";

export interface CoordinatorStoreOptions {
  /** The coordinator's name: coordinators of different names share no transactions, even in one database. */
  readonly coordinator: string;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** The log of one coordinator, opened. */
export interface OpenLog {
  readonly log: TransactionLog;
  /** Where several processes may open the same log. Left out, this process alone can have it open. */
  readonly lease?: Lease;
  /** True where a failover may lose the newest writes of the log (docs/adr/0008). */
  readonly mayLoseTail?: boolean;
  /** Gives back what `openLog` took; what the user passed in, such as a pool, stays open. */
  close(): Promise<void>;
}

export interface CoordinatorStore {
  /** Rejects when the database cannot keep a log: unreachable, without its tables, or not durable enough. */
  openLog(options: CoordinatorStoreOptions): Promise<OpenLog>;
}

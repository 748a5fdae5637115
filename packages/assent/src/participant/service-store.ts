// The port between a served service and its database: what `serve` needs of a store.
import type { Limits } from "../protocol/index.ts";
import type { AsyncBranchHandler } from "./async-branch-handler.ts";
import type { BranchStore } from "../ports/branch-store.ts";
import type { Clock } from "../ports/clock.ts";

export interface ServiceStoreOptions<Db> {
  /** Services may share a database: the branches of one are swept by nobody else. */
  readonly service: string;
  readonly handler: AsyncBranchHandler<Db>;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** The branches of one service, opened. */
export interface OpenBranches {
  /** Each command is one transaction of the service's database, which calls `applyAsyncCommand`. */
  readonly branches: BranchStore;
  /** Gives back what `openBranches` took; what the user passed in, such as a pool, stays open. */
  close(): Promise<void>;
}

/** A database in which services take part: `Db` is what its handlers get, such as a client inside a transaction. */
export interface ServiceStore<Db> {
  /** Rejects when the database cannot keep branches: unreachable, without its tables, or not durable enough. */
  openBranches(options: ServiceStoreOptions<Db>): Promise<OpenBranches>;
}

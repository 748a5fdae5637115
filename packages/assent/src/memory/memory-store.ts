// The stores of a coordinator and of a participant in memory, ready to use: for tests, examples and first steps.
import type { BranchHandler } from "../participant/index.ts";
import type { BranchStore, Clock, Lease, RowStore, Tables, TransactionLog } from "../ports/index.ts";
import { defaultLimits, type Limits } from "../protocol/index.ts";
import {
  type BranchOperations,
  branchOperations,
  type Executor,
  GroupCommitExecutor,
  keyedBranchStore,
  type KeyedEngine,
  keyedLease,
  keyedLog,
  keyedRows,
  leaseOperations,
  logOperations,
  type Operations,
  rowOperations,
} from "../engine/index.ts";
import { MemoryEngine } from "./memory-engine.ts";

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Runs the callback after everything that is asked for in this turn of the event loop, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  readonly limits?: Limits;
  /** Left out, a new and empty one. */
  readonly engine?: KeyedEngine;
}

export interface MemoryLog {
  readonly log: TransactionLog;
  readonly rows: RowStore;
  readonly lease: Lease;
}

/** What a coordinator needs: the log with its rows, and leases. */
export function memoryLog(options: MemoryStoreOptions): MemoryLog {
  const executor = executorOf(options, {
    ...logOperations(options.limits ?? defaultLimits),
    ...rowOperations,
    ...leaseOperations,
  });
  return { log: keyedLog(executor), rows: keyedRows(executor), lease: keyedLease(executor) };
}

export interface MemoryBranches<O extends Operations> {
  readonly store: BranchStore;
  /** Runs an operation of the service's own on the tables that its handler works on, as one atomic step. */
  readonly run: Executor<O & BranchOperations>["run"];
}

/** What a participant needs: its branches, and the service's own operations beside them. */
export function memoryBranches<O extends Operations>(
  handler: BranchHandler<Tables>,
  operations: O,
  options: MemoryStoreOptions,
): MemoryBranches<O> {
  const all = { ...operations, ...branchOperations(handler, options.limits ?? defaultLimits) };
  const executor = executorOf(options, all);
  return {
    store: keyedBranchStore(executor as unknown as Executor<BranchOperations>),
    run: (name, args) => executor.run(name, args),
  };
}

function executorOf<O extends Operations>(options: MemoryStoreOptions, operations: O): GroupCommitExecutor<O> {
  const { clock, schedule, engine = new MemoryEngine() } = options;
  return new GroupCommitExecutor({ engine, operations, schedule, now: () => clock.now() });
}

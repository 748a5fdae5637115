// The stores of a coordinator and of a participant in memory, ready to use: for tests, examples and first steps.
import type { BranchHandler } from "../participant/index.ts";
import type { BranchStore, Clock, Lease, Operation, RowStore, Tables, TransactionLog } from "../ports/index.ts";
import { defaultLimits, type Limits } from "../protocol/index.ts";
import {
  bindOperations,
  type BoundOperations,
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
  const operations = { ...logOperations, ...rowOperations, ...leaseOperations };
  const executor = executorOf(options, bindOperations(operations, { limits: options.limits ?? defaultLimits }));
  return { log: keyedLog(executor), rows: keyedRows(executor), lease: keyedLease(executor) };
}

export interface MemoryBranches {
  readonly store: BranchStore;
  /** Runs an operation of the service's own on the tables that its handler works on, as one atomic step. */
  readonly run: Executor["run"];
}

/** An operation that needs no settings, under its own name. */
type OwnOperation<Name> = Operation<Name & string, never, unknown>;

/** What a participant needs: its branches, and the service's own operations beside them. */
export function memoryBranches<Operations extends { readonly [Name in keyof Operations]: OwnOperation<Name> }>(
  handler: BranchHandler<Tables>,
  operations: Operations,
  options: MemoryStoreOptions,
): MemoryBranches {
  const own = bindOperations(operations, {});
  const branches = bindOperations(branchOperations, { handler, limits: options.limits ?? defaultLimits });
  const executor = executorOf(options, { ...own, ...branches });
  return { store: keyedBranchStore(executor), run: (operation, input) => executor.run(operation, input) };
}

function executorOf(options: MemoryStoreOptions, operations: BoundOperations): Executor {
  const { clock, schedule, engine = new MemoryEngine() } = options;
  return new GroupCommitExecutor({ engine, operations, schedule, now: () => clock.now() });
}

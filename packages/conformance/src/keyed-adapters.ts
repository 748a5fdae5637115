// Every port over one executor with all operations: how keyed stores meet the suites.
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import { type BranchHandler } from "assent/internal/participant";
import { type Tables } from "assent/internal/ports";
import { defaultLimits } from "assent/internal/protocol";
import {
  bindOperations,
  type Bound,
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
} from "assent/internal/engine";
import { type LeaseAdapter, type LedgerAdapter, ledgerReasons, type LogAdapter } from "./adapters.ts";
import type { Open } from "./suite.ts";

/** Operations with state of their own, such as a waiting line: made anew for every store. */
export function keyedOperations(handler: BranchHandler<Tables> = ledgerHandler(ledgerReasons)): KeyedOperations {
  return bindOperations(everyOperation, { handler, limits: defaultLimits });
}

const everyOperation = {
  ...logOperations,
  ...rowOperations,
  ...leaseOperations,
  ...ledgerOperations,
  ...branchOperations,
};

export type KeyedOperations = Bound<typeof everyOperation>;
export type KeyedAdapter = LogAdapter & LedgerAdapter & LeaseAdapter;

export function keyedAdapter(executor: Executor): KeyedAdapter {
  return {
    log: keyedLog(executor),
    rows: keyedRows(executor),
    lease: keyedLease(executor),
    store: keyedBranchStore(executor),
    accounts: {
      seed: (request) => executor.run(ledgerOperations.seed, request),
      find: async (accountId) => (await executor.run(ledgerOperations.findAccount, { accountId })) ?? undefined,
      open: (request) => executor.run(ledgerOperations.openAccount, request),
      deposit: (accountId, amount) => executor.run(ledgerOperations.deposit, { accountId, amount }),
      withdraw: (accountId, amount) => executor.run(ledgerOperations.withdraw, { accountId, amount }),
      totals: () => executor.run(ledgerOperations.totals, undefined),
    },
  };
}

/** Opens every port over a new engine. */
export function openKeyed(
  makeEngine: () => KeyedEngine,
  makeOperations: () => KeyedOperations = keyedOperations,
): Open<KeyedAdapter> {
  return ({ now }) => {
    const engine = makeEngine();
    const executor = new GroupCommitExecutor({ engine, operations: makeOperations(), now, schedule: setImmediate });
    return { adapter: keyedAdapter(executor), close: () => engine.close() };
  };
}

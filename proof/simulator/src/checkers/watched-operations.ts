// The operations of a store, with every step checked from inside, in the same atomic step.
import { type Account, accountTable } from "assent/ledger";
import type {
  BeginRequest,
  BeginResult,
  DecideRequest,
  OwnedRequest,
  OwnedWrite,
  Row,
  RowWrite,
  StepContext,
  Tables,
  TakeOverRequest,
} from "assent/internal/ports";
import {
  type Answer,
  type BranchRecord,
  type Command,
  InvariantViolation,
  type Limits,
  parseTransactionId,
  type TransactionRecord,
} from "assent/internal/protocol";
import { branchTable, type BoundOperation, type BoundOperations, recordTable, rowTable } from "assent/internal/engine";
import { checkBranchRemoval } from "./branch-checker.ts";
import { checkCommand } from "./command-checker.ts";
import {
  checkAttempt,
  checkBegin,
  checkDecide,
  checkEndStep,
  checkProof,
  checkRebuild,
  checkRowChange,
  checkTakeOver,
} from "./log-step-checker.ts";
import { probePayload } from "./payload-probe.ts";
import { checkHistory } from "./record-history-checker.ts";
import type { Report } from "./violation.ts";

export interface StepWatch {
  readonly limits: Pick<Limits, "maxAgeMs">;
  readonly report: Report;
  /** Whether a branch of the record has durably refused. */
  readonly hasTombstone: (record: TransactionRecord) => boolean;
}

type Watcher = (run: BoundOperation, watch: StepWatch) => BoundOperation;

/** Each wraps a step with a check. */
const watchers: Readonly<Record<string, Watcher>> = {
  apply: (run, watch) => {
    const checked = checkedApply(run, watch);
    return (tables, command: Command, context) => {
      const answer = checked(tables, command as never, context);
      const apply = (other: Command): Answer => run(tables, other as never, context) as Answer;
      probePayload({ command, read: () => branchOf(tables, command), apply }, watch.report);
      return answer;
    };
  },
  begin: watched((tables, request: BeginRequest, { now, report }) => {
    const row = tables.get(rowTable, request.key);
    return (result: BeginResult) => {
      checkBegin({ record: undefined, row, request, result }, report);
      checkAttempt({ record: undefined, row, request, result }, report);
      if (result.kind !== "begun") return;
      checkHistory({ before: undefined, after: logOf(tables, result.record.txId).record, now }, report);
    };
  }),
  decide: watched((tables, request: DecideRequest, { now, report, hasTombstone }) => {
    const before = logOf(tables, request.txId);
    return (result: OwnedWrite) => {
      const after = logOf(tables, request.txId);
      checkDecide({ ...before, request, result, rowAfter: after.row }, report);
      checkHistory({ before: before.record, after: after.record, now }, report);
      checkProof({ ...before, request, result }, hasTombstone, report);
    };
  }),
  end: watched((tables, request: OwnedRequest, { now, report }) => {
    const before = logOf(tables, request.txId);
    return (result: OwnedWrite) => {
      checkEndStep({ ...before, request, result }, report);
      checkHistory({ before: before.record, after: logOf(tables, request.txId).record, now }, report);
    };
  }),
  takeOver: watched((tables, request: TakeOverRequest, { now, report }) => {
    const before = logOf(tables, request.txId);
    return (result: OwnedWrite) => {
      checkTakeOver({ ...before, request, result }, report);
      checkHistory({ before: before.record, after: logOf(tables, request.txId).record, now }, report);
    };
  }),
  park: watched((tables, { txId }: OwnedRequest, { now, report }) => {
    const before = logOf(tables, txId).record;
    return () => checkHistory({ before, after: logOf(tables, txId).record, now }, report);
  }),
  rebuild: watched((tables, { record: { txId } }: { record: TransactionRecord }, { now, report }) => {
    const { record: before, row } = logOf(tables, txId);
    return () => {
      const after = logOf(tables, txId).record;
      checkRebuild({ before, after, row }, report);
      checkHistory({ before, after, now, created: "rebuilt" }, report);
    };
  }),
  changeRow: watched((tables, { key }: { key: string }, { report }) => {
    const row = tables.get(rowTable, key);
    return (result: RowWrite) => checkRowChange(row, result, report);
  }),
};

const checkedApply = watched((tables, command: Command, { now, limits, report }) => {
  const before = branchOf(tables, command);
  const accounts = accountsOf(tables, command);
  return (answer: Answer) => {
    const after = branchOf(tables, command);
    checkCommand({ before, command, answer, after, now, limits, account: (id) => accounts.get(id) }, report);
  };
});

/** The same operations; rule violations are reported, and so are violated invariants. */
export function watchedOperations(operations: BoundOperations, watch: StepWatch): BoundOperations {
  const entries = Object.entries(operations).map(([name, operation]): [string, BoundOperation] => {
    const checked = watchers[name]?.(operation, watch) ?? operation;
    return [
      name,
      (tables, input, context) => reported(() => checked(watchingRemovals(tables, watch), input, context), watch),
    ];
  });
  return Object.fromEntries(entries);
}

/** The tables of a step; each branch record that it removes is checked. */
function watchingRemovals(tables: Tables, { report }: StepWatch): Tables {
  return {
    get: (table, key) => tables.get(table, key),
    put: (table, key, value) => tables.put(table, key, value),
    scan: (table, range) => tables.scan(table, range),
    delete(table, key) {
      const record = table.name === branchTable.name ? tables.get(branchTable, key) : undefined;
      if (record !== undefined) checkBranchRemoval(record, report);
      tables.delete(table, key);
    },
  };
}

/** A violated invariant inside a step only fails the step, which is then retried: it must not stay hidden here. */
function reported(step: () => unknown, { report }: StepWatch): unknown {
  try {
    return step();
  } catch (error) {
    if (error instanceof InvariantViolation)
      report({ rule: error.rule, text: `an invariant failed: ${error.message}` });
    throw error;
  }
}

function watched<Args, Result>(
  look: (tables: Tables, args: Args, around: StepWatch & StepContext) => (result: Result) => void,
): Watcher {
  return (run, watch) => (tables, args, context) => {
    const check = look(tables, args, { ...context, ...watch });
    const result = run(tables, args, context);
    check(result as Result);
    return result;
  };
}

function branchOf(tables: Tables, { txId, branchId }: Command): BranchRecord | undefined {
  return tables.get(branchTable, `${txId}/${branchId}`);
}

function logOf(tables: Tables, txId: string): { record: TransactionRecord | undefined; row: Row | undefined } {
  const record = tables.get(recordTable, txId);
  return { record, row: tables.get(rowTable, parseTransactionId(txId).key) };
}

/** The accounts of a vote before it. */
function accountsOf(tables: Tables, { verb, payload }: Command): ReadonlyMap<string, Account> {
  const found = new Map<string, Account>();
  if (verb !== "prepare") return found;
  const { entries } = payload as unknown as { entries: readonly (readonly [string, number])[] };
  for (const [accountId] of entries) {
    const account = tables.get(accountTable, accountId);
    if (account !== undefined) found.set(accountId, account);
  }
  return found;
}

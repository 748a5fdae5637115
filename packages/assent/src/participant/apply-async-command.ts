// Applies one command to one branch inside a database transaction, with a handler that may wait for its database.
import {
  type Answer,
  type BranchLimits,
  type BranchRecord,
  type Command,
  type Limits,
  settleCommand,
} from "../protocol/index.ts";
import { branchWork } from "./apply-command.ts";
import type { AsyncBranchHandler } from "./async-branch-handler.ts";
import { HandlerFailed, resultOfAsync } from "./handler-result.ts";
import type { Clock } from "../ports/clock.ts";

/** The branch records inside the database transaction. */
export interface AsyncBranchRecords {
  /**
   * Reads the record and keeps every other step of this branch waiting until the transaction is over, also where there
   * is no record yet: two commands for one branch never run side by side.
   */
  read(txId: string, branchId: string): Promise<BranchRecord | undefined>;
  /** `before` is the record that `read` returned. */
  write(record: BranchRecord, before: BranchRecord | undefined): Promise<void>;
}

export interface AsyncCommandStep<Db> {
  readonly records: AsyncBranchRecords;
  /** The handler's view of the same transaction. */
  readonly db: Db;
  /**
   * Undoes what the handler did through `db` and keeps the transaction open, as `ROLLBACK TO SAVEPOINT` does: a handler
   * that refuses may have written before, and its tombstone is written all the same.
   */
  undo(): Promise<void>;
  readonly handler: AsyncBranchHandler<Db>;
  readonly limits: BranchLimits & Pick<Limits, "answerWaitMs">;
  /** Store time, epoch milliseconds. */
  readonly now: number;
  /** Limits how long a handler may take. */
  readonly clock: Clock;
}

/**
 * The caller commits the transaction, which makes the record and the handler's effects durable together, and only then
 * sends the answer.
 * @throws {HandlerFailed} and whatever the records throw; then the caller rolls the transaction back. After a time
 * limit the handler may still be running: what it does with `db` from then on must fail.
 */
export async function applyAsyncCommand<Db>(command: Command, step: AsyncCommandStep<Db>): Promise<Answer> {
  const { records, now } = step;
  const before = await records.read(command.txId, command.branchId);
  const work = branchWork(before, command, step);
  if (work.kind === "answer") {
    if (work.record !== undefined) await records.write(work.record, before);
    return work.answer;
  }
  const { operation, about } = work;
  const { handler, db } = step;
  const result = await within(timeLimitMs(command, step), { operation, clock: step.clock }, (signal) =>
    resultOfAsync(operation, () => handler[operation]({ db, signal, ...about }), signal),
  );
  if (result.kind !== "ok") await step.undo();
  const { record, answer } = settleCommand(before, command, { operation, result, now });
  if (record !== undefined) await records.write(record, before);
  return answer;
}

/** The coordinator does not wait longer for the answer, and a first vote past its deadline would be refused (P8). */
function timeLimitMs(
  { deadlineAt = Infinity }: Command,
  { limits, now }: Pick<AsyncCommandStep<unknown>, "limits" | "now">,
): number {
  return Math.max(0, Math.min(limits.answerWaitMs, deadlineAt + limits.clockSkewMs - now));
}

async function within<Result>(
  limitMs: number,
  { operation, clock }: { operation: string; clock: Clock },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const overtime = new AbortController();
  const timer = clock.after(limitMs, () =>
    overtime.abort(new HandlerFailed(`${operation} did not finish within ${limitMs} ms; nothing of it was kept`)),
  );
  try {
    return await work(overtime.signal);
  } finally {
    timer.cancel();
  }
}

// The port `BranchStore` over the user's own tables in a SQLite file: a command, its record and what its handler does
// are one step of a transaction. The commands of one message share the transaction, and so its one flush to the disk.
import {
  applyAsyncCommand,
  type AsyncBranchHandler,
  failedAnswer,
  HandlerFailed,
  stepHandle,
} from "assent/internal/participant";
import type { BranchFailure, BranchStore, BranchSweep, Clock } from "assent/internal/ports";
import { type Answer, type Command, InvariantViolation, type Limits } from "assent/internal/protocol";
import { constants, type DatabaseSync } from "node:sqlite";
import { BranchTable } from "./branch-table.ts";
import type { Turns } from "./turns.ts";

export interface SqliteBranchesOptions {
  /** For this store alone: what else used the connection between two awaits of a handler would join its transaction. */
  readonly database: DatabaseSync;
  /** Shared by all stores of one file in this process. */
  readonly turns: Turns;
  readonly service: string;
  readonly handler: AsyncBranchHandler<DatabaseSync>;
  readonly limits: Limits;
  readonly clock: Clock;
}

type OnFailure = ((failure: BranchFailure) => void) | undefined;

export class SqliteBranches implements BranchStore {
  readonly #options: SqliteBranchesOptions;
  readonly #table: BranchTable;
  constructor(options: SqliteBranchesOptions) {
    this.#options = options;
    this.#table = new BranchTable(options.database, options);
  }

  async apply(commands: readonly Command[], onFailure?: OnFailure): Promise<readonly Answer[]> {
    try {
      return await this.#transaction(async () => {
        const answers: Answer[] = [];
        for (const command of commands) answers.push(await this.#answer(command, onFailure));
        return answers;
      });
    } catch (cause) {
      // Whether the transaction is durable is not known, and nothing else is lost by asking again.
      const [command] = commands;
      const error = cause instanceof Error ? cause : new Error(String(cause));
      if (command !== undefined && !(error instanceof HandlerFailed)) onFailure?.({ command, error });
      return commands.map(() => ({ kind: "unknown", reason: "step_failed" }));
    }
  }

  sweep(limit: number): Promise<BranchSweep> {
    return this.#transaction(async () => {
      const now = this.#options.clock.now();
      const asking = this.#table.takeAsking(now, limit);
      const removed = this.#table.removeOld(now, limit - asking.length);
      const questions = asking.flatMap(({ txId, branchId, protocol, epoch, begunAt, origin }) =>
        origin === undefined ? [] : [{ txId, branchId, protocol, epoch, begunAt, origin }],
      );
      return { questions, more: asking.length + removed === limit };
    });
  }

  /** Resolves when no transaction is under way. */
  async idle(): Promise<void> {
    await this.#options.turns.next(() => Promise.resolve());
  }

  /** @throws what breaks the transaction; then nothing of it is kept, or it is not known */
  #transaction<Result>(work: () => Promise<Result>): Promise<Result> {
    const { database } = this.#options;
    const run = async (): Promise<Result> => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = await work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    };
    return this.#options.turns.next(run);
  }

  /** One command, inside a savepoint: one that fails leaves nothing behind, and the others are kept. */
  async #answer(command: Command, onFailure: OnFailure): Promise<Answer> {
    const { database, handler, limits, clock } = this.#options;
    database.exec("SAVEPOINT assent_step");
    const step = stepHandle(database);
    const endHandler = (): void => {
      step.close();
      allowTransactions(database, true);
    };
    allowTransactions(database, false);
    try {
      const answer = await applyAsyncCommand(command, {
        records: {
          read: (txId, branchId) => Promise.resolve(this.#table.read(txId, branchId)),
          write: async (record) => {
            endHandler();
            this.#table.write(record);
          },
        },
        db: withGuardedStatements(step),
        undo: async () => {
          endHandler();
          database.exec("ROLLBACK TO assent_step");
        },
        handler,
        limits,
        now: clock.now(),
        clock,
      });
      endHandler();
      release(database);
      return answer;
    } catch (error) {
      endHandler();
      const bug = error instanceof HandlerFailed || error instanceof InvariantViolation ? error : undefined;
      const answer = failedAnswer(bug, { command, code: "step_failed", onFailure });
      // Throws where the handler has ended the transaction: then nothing is known of the commands before it either.
      database.exec("ROLLBACK TO assent_step; RELEASE assent_step");
      return answer;
    }
  }
}

/**
 * While a handler runs, its statements cannot end the transaction that it was given, nor the savepoint of its step.
 * Node before 24.10 has no authorizers: there it is noticed afterwards.
 */
function allowTransactions(database: DatabaseSync, isAllowed: boolean): void {
  const { SQLITE_DENY, SQLITE_OK, SQLITE_SAVEPOINT, SQLITE_TRANSACTION } = constants;
  const authorize = (action: number, _operation: string | null, name: string | null): number => {
    if (action === SQLITE_TRANSACTION) return SQLITE_DENY;
    return action === SQLITE_SAVEPOINT && name === "assent_step" ? SQLITE_DENY : SQLITE_OK;
  };
  (database as Partial<DatabaseSync>).setAuthorizer?.call(database, isAllowed ? null : authorize);
}

/** @throws {HandlerFailed} when the handler has ended the transaction, with what it and others had done in it */
function release(database: DatabaseSync): void {
  try {
    database.exec("RELEASE assent_step");
  } catch (cause) {
    throw new HandlerFailed("the handler has ended the transaction that it was given", { cause });
  }
}

/** A statement that a handler prepared is as dead after its step as the database that it got. */
function withGuardedStatements({ handle, guard }: ReturnType<typeof stepHandle<DatabaseSync>>): DatabaseSync {
  return new Proxy(handle, {
    get(database, name) {
      if (name === "prepare") return (sql: string) => guard(database.prepare(sql));
      const member: unknown = Reflect.get(database, name);
      return typeof member === "function" ? (member.bind(database) as unknown) : member;
    },
  });
}

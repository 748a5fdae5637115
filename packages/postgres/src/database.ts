// Transactions of the database: begun, committed, rolled back, and run again where others were in the way.
import { StoreFailure } from "assent/internal/engine";
import { attemptsMax, idleMaxMs, lockWaitMs, statementMaxMs } from "./postgres-limits.ts";
import {
  type Beginning,
  isConflict,
  isLockTimeout,
  isRefusal,
  isStaleSession,
  jsonOf,
  type SqlConnection,
  type SqlDriver,
  type SqlParameter,
  sqlState,
} from "./sql-driver.ts";
import type { JsonObject } from "assent/internal/protocol";

/** Times that a transaction is run again because its connection ended before the commit. */
const lossesMax = 2;

export type IsolationLevel = "read committed" | "repeatable read" | "serializable";

const isolationLevels: readonly IsolationLevel[] = ["read committed", "repeatable read", "serializable"];

/** @throws {RangeError} for what is no level, such as a text from the environment */
export function checkIsolation(level: IsolationLevel | undefined): void {
  if (level === undefined || isolationLevels.includes(level)) return;
  const levels = isolationLevels.join(", ");
  throw new RangeError(`${JSON.stringify(level)} is no isolation level; the levels are ${levels}`);
}

/** What a transaction came to; without writes it is rolled back, which leaves what others have committed as it is. */
export interface Done<Result> {
  readonly result: Result;
  readonly writes: boolean;
}

/** What was read is not so any more; nothing was changed, and the transaction is run again. */
export class Overtaken extends Error {
  constructor() {
    super("another transaction was faster");
    this.name = "Overtaken";
  }
}

/** An open transaction. */
export interface SqlTransaction<Db> {
  readonly handle: Db;
  query(text: string, parameters: readonly SqlParameter[]): Promise<readonly JsonObject[]>;
  /** Rolls back, and begins again: what was locked may have been changed by others. */
  restart(): Promise<void>;
}

type Work<Db, Result> = (transaction: SqlTransaction<Db>) => Promise<Done<Result>>;

export interface DatabaseOptions {
  readonly isolation?: IsolationLevel | undefined;
  /** Commits may be reported before they are on disk, where the server or the session says so. */
  readonly acceptsLoss?: boolean;
}

/** D1: the application may have left it off in a session that it shares. */
const makeDurable = `SELECT set_config('synchronous_commit', 'on', true)
  WHERE current_setting('synchronous_commit') = 'off'`;

export class Database<Db> {
  readonly #driver: SqlDriver<Db>;
  readonly #beginning: Beginning;

  constructor(driver: SqlDriver<Db>, { isolation = "read committed", acceptsLoss = false }: DatabaseOptions = {}) {
    this.#driver = driver;
    const settings = [
      ...(acceptsLoss ? [] : [makeDurable]),
      `SET LOCAL lock_timeout = ${lockWaitMs}`,
      `SET LOCAL statement_timeout = ${statementMaxMs}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${idleMaxMs}`,
    ];
    this.#beginning = { isolation, settings: settings.join("; ") };
  }

  /**
   * Runs the work in one transaction and resolves when its commit is durable. The work may run more than once; only
   * the last time counts.
   * @throws {StoreFailure} whose `changed` says whether the commit may have happened
   */
  async transaction<Result>(work: Work<Db, Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(work);
      if (outcome.kind === "done") return outcome.result;
      const isWorthAnother = outcome.again === "conflict" || (outcome.again === "lost" && attempt <= lossesMax);
      if (!isWorthAnother || attempt >= attemptsMax) throw outcome.failure;
    }
  }

  /** One statement that only reads what is committed, and so durable. */
  async read(text: string, parameters: readonly SqlParameter[]): Promise<readonly JsonObject[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#driver.read(text, parameters)).map(jsonOf);
      } catch (error) {
        const isWorthAnother = isStaleSession(error) ? attempt < attemptsMax : isFatal(error) && attempt <= lossesMax;
        if (!isWorthAnother) throw failureOf(error);
      }
    }
  }

  async #begun(): Promise<SqlConnection<Db>> {
    try {
      return await this.#driver.begin(this.#beginning);
    } catch (cause) {
      const message = `there is no connection to the database, and nothing was changed: ${String(cause)}`;
      throw new StoreFailure("step_failed", message, { cause });
    }
  }

  async #attempt<Result>(work: Work<Db, Result>): Promise<Outcome<Result>> {
    const open = new OpenConnection(await this.#begun());
    let isUsable = false;
    try {
      const done = await this.#body(open, work);
      isUsable = await hasRolledBack(open, done.kind !== "done" || !done.writes);
      if (done.kind === "failed" && isStale(done.failure)) isUsable = false;
      if (done.kind === "failed") return isUsable || done.again === "conflict" ? done : lost(done);
      if (!done.writes) return done;
      const failed = await commitFailure(open.connection);
      isUsable = failed === undefined || failed.isUsable;
      return failed ?? done;
    } finally {
      open.release(isUsable);
    }
  }

  async #body<Result>(
    open: OpenConnection<Db>,
    work: Work<Db, Result>,
  ): Promise<({ readonly kind: "done" } & Done<Result>) | Failed> {
    try {
      const done = await work({
        handle: open.connection.handle,
        query: async (text, parameters) => (await open.connection.query(text, parameters)).map(jsonOf),
        restart: async () => {
          await open.connection.rollback();
          open.release(true);
          open.replace(await this.#begun());
        },
      });
      return { kind: "done", ...done };
    } catch (error) {
      return { kind: "failed", again: isOvertaken(error) ? "conflict" : undefined, failure: failureOf(error) };
    }
  }
}

/** The connection of an attempt. Once it is given back, another transaction may have it. */
class OpenConnection<Db> {
  #connection: SqlConnection<Db> | undefined;

  constructor(connection: SqlConnection<Db>) {
    this.#connection = connection;
  }

  get connection(): SqlConnection<Db> {
    if (this.#connection === undefined) throw new Error("the connection was given back");
    return this.#connection;
  }

  replace(connection: SqlConnection<Db>): void {
    this.#connection = connection;
  }

  release(isUsable: boolean): void {
    this.#connection?.release(isUsable);
    this.#connection = undefined;
  }
}

interface Failed {
  readonly kind: "failed";
  readonly again: "conflict" | "lost" | undefined;
  readonly failure: StoreFailure;
}

type Outcome<Result> = { readonly kind: "done"; readonly result: Result } | Failed;

/** Whether the connection can be used again; a rollback that fails has happened, or happens when it is closed. */
async function hasRolledBack(open: OpenConnection<unknown>, isWanted: boolean): Promise<boolean> {
  if (!isWanted) return false;
  try {
    await open.connection.rollback();
    return true;
  } catch {
    return false;
  }
}

/** What kept the commit from being known as done; undefined when it is done. */
async function commitFailure(
  connection: SqlConnection<unknown>,
): Promise<(Failed & { readonly isUsable: boolean }) | undefined> {
  try {
    const reported = await connection.commit();
    if (reported === "COMMIT") return undefined;
    // A statement had failed before, and what it was part of was rolled back.
    const failure = new StoreFailure("step_failed", `the server answered the commit with ${reported}`);
    return { kind: "failed", again: undefined, failure, isUsable: true };
  } catch (cause) {
    if (isRefusal(cause)) {
      const again = isConflict(cause) ? "conflict" : undefined;
      return { kind: "failed", again, failure: failureOf(cause), isUsable: true };
    }
    const message = `the answer to a commit was lost, and it may have happened: ${String(cause)}`;
    const failure = new StoreFailure("store_broken", message, { cause });
    return { kind: "failed", again: undefined, failure, isUsable: false };
  }
}

function isOvertaken(error: unknown): boolean {
  return isStale(error) || causesOf(error).some((cause) => cause instanceof Overtaken || isConflict(cause));
}

/** Such a connection is closed: another one has a session of its own. */
function isStale(error: unknown): boolean {
  return causesOf(error).some(isStaleSession);
}

/** Whether a failure is that of a wait for others or of a connection, and not of the work: no bug has shown. */
export function isWaitFailure(error: unknown): boolean {
  return causesOf(error).some((cause) => isConflict(cause) || isLockTimeout(cause) || cause instanceof ConnectionLost);
}

/** The connection ended before the commit was sent, which changes nothing. What the work met then is no bug of it. */
class ConnectionLost extends Error {}

/** A connection on which not even a rollback is answered has ended. */
function lost({ failure }: Failed): Failed {
  return { kind: "failed", again: "lost", failure: failureOf(new ConnectionLost(failure.message)) };
}

/** The server has ended the connection, or the connection has ended. */
export function isFatal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(08|57P0[123]|25P03|CONNECTION_|ECONN|EPIPE)/.test(code) || /onnection (terminated|error)/.test(error.message)
  );
}

export function causesOf(error: unknown): readonly unknown[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [error];
}

/** A failure before the commit: nothing was changed. */
function failureOf(cause: unknown): StoreFailure {
  const code = /^53[12]/.test(sqlState(cause) ?? "") ? "store_full" : "step_failed";
  return new StoreFailure(code, `nothing was changed: ${String(cause)}`, { cause });
}

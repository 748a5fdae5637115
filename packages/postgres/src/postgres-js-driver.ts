// `postgres` (postgres.js), known by its shape, so that an application with another driver needs no types of it.
import { isFatal } from "./database.ts";
import { replyMaxMs } from "./postgres-limits.ts";
import { inTime } from "./reply-limit.ts";
import { stepHandle } from "assent/internal/participant";
import type { SqlConnection, SqlDriver, SqlParameter } from "./sql-driver.ts";

/** The `sql` of postgres.js. `Transaction` is what its `begin` gives to a function. */
export interface PostgresJs<Transaction> {
  readonly begin: {
    (work: (sql: Transaction) => unknown): Promise<unknown>;
    (options: string, work: (sql: Transaction) => unknown): Promise<unknown>;
  };
  readonly unsafe: (...query: never) => unknown;
  readonly options: { readonly prepare?: unknown };
}

interface Result extends Promise<unknown> {
  values(): Promise<readonly (readonly unknown[])[]>;
}

type Unsafe = (text: string, parameters?: readonly SqlParameter[], options?: { prepare: boolean }) => Result;

/** The pool stays the application's: it is never ended here. */
export function postgresJsDriver<Transaction>(sql: PostgresJs<Transaction>): SqlDriver<Transaction> {
  const isPrepared = sql.options.prepare !== false;
  const firstColumns = async (unsafe: Unsafe, text: string, given: readonly SqlParameter[]): Promise<unknown[]> => {
    const rows = await inTime(unsafe(text, given, { prepare: isPrepared }).values(), replyMaxMs);
    return rows.map(([column]) => column);
  };
  return {
    async begin({ isolation, settings }) {
      const opened = Promise.withResolvers<Transaction>();
      const isOver = Promise.withResolvers<void>();
      // Where the connection ends, it rejects although the transaction has not been left.
      const whole = sql.begin(`isolation level ${isolation}`, async (handle) => {
        opened.resolve(handle);
        await isOver.promise;
      });
      isOver.promise.catch(() => undefined);
      whole.catch((error: unknown) => opened.reject(error));
      const handle = await opened.promise;
      const unsafe = (handle as { readonly unsafe: Unsafe }).unsafe.bind(handle);
      const connection = connectionOf({ handle, unsafe, whole, isOver, firstColumns });
      connection.command(settings).catch(() => undefined);
      return connection;
    },
    read: (text, parameters) => firstColumns(sql.unsafe.bind(sql) as unknown as Unsafe, text, parameters),
  };
}

interface OpenTransaction<Transaction> {
  readonly handle: Transaction;
  readonly unsafe: Unsafe;
  readonly whole: Promise<unknown>;
  readonly isOver: PromiseWithResolvers<void>;
  readonly firstColumns: (unsafe: Unsafe, text: string, given: readonly SqlParameter[]) => Promise<unknown[]>;
}

/** Makes the driver roll back. */
class RolledBack extends Error {}

function connectionOf<Transaction>(open: OpenTransaction<Transaction>): SqlConnection<Transaction> {
  const { handle, unsafe, whole, isOver, firstColumns } = open;
  let ended: Error | undefined;
  // A statement on a connection that has ended would end the process (postgres.js 3.4.9), also the driver's own
  // ROLLBACK: such a transaction is never left.
  const guarded = stepHandle(handle);
  whole.catch((error: Error) => {
    ended = error;
    guarded.close(error);
  });
  const whileOpen = <T>(work: () => Promise<T>): Promise<T> =>
    ended === undefined ? Promise.race([work(), whole as Promise<never>]) : Promise.reject(ended);
  return {
    handle: guarded.handle,
    query: (text, parameters) => whileOpen(() => firstColumns(unsafe, text, parameters)),
    command: (text) => whileOpen(async () => void (await inTime(unsafe(text), replyMaxMs))),
    async commit() {
      if (ended !== undefined) return "ROLLBACK";
      isOver.resolve();
      try {
        await inTime(whole, replyMaxMs);
        return "COMMIT";
      } catch (error) {
        // The driver remembers a statement that failed, and rolls back. Its error names the statement.
        const statement = error instanceof Error && "query" in error ? String(error.query).trim() : "commit";
        if (!isFatal(error) && !/^commit$/i.test(statement)) return "ROLLBACK";
        throw error;
      }
    },
    async rollback() {
      if (ended !== undefined) throw ended;
      isOver.reject(new RolledBack());
      await inTime(
        whole.catch((error: unknown) => {
          if (isFatal(error)) throw error;
        }),
        replyMaxMs,
      );
    },
    release() {
      if (ended === undefined) isOver.reject(new RolledBack());
    },
  };
}

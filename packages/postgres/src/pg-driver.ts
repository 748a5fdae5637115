// A pool of `pg`, known by its shape, so that an application with another driver needs no types of it.
import { HandlerFailed } from "assent/internal/participant";
import { fingerprint } from "assent/internal/protocol";
import { replyMaxMs } from "./postgres-limits.ts";
import { inTime } from "./reply-limit.ts";
import type { SqlConnection, SqlDriver } from "./sql-driver.ts";

interface Listening {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** What is needed of a `PoolClient` of `pg`. */
export interface PgClient extends Listening {
  query: (query: never) => unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

/** A `Pool` of `pg`. */
export interface PgPool<Client> extends Listening {
  // The order in which its types declare them; the second one takes a callback.
  readonly connect: { (): Promise<Client>; (callback: never): void };
  listenerCount(event: "error"): number;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: Client) => void): unknown;
}

type Query = (
  query:
    | string
    | {
        readonly name: string;
        readonly text: string;
        readonly values: readonly unknown[];
        readonly rowMode: "array";
      },
) => Promise<unknown>;

const names = new Map<string, string>();

/** Each connection plans a statement once. The name follows from the text, whichever copy of this package sends it. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `assent_${fingerprint(text).toString(36)}`;
    names.set(text, name);
  }
  return name;
}

const ignored = (): void => undefined;

/** Pools whose new connections are listened to already. */
const listened = new WeakSet<object>();

/** The pool stays the application's: it is never ended here. */
export function pgDriver<Client extends PgClient>(pool: PgPool<Client>): SqlDriver<Client> {
  // A connection that ends while nobody uses it is removed by the pool. Without a listener it would end the process.
  if (pool.listenerCount("error") === 0) pool.on("error", ignored);
  // A new connection may fail before the pool has handed it over, when nothing else listens yet.
  if (!listened.has(pool)) pool.on("connect", (client) => void client.on("error", ignored));
  listened.add(pool);
  return {
    async begin({ isolation, settings }) {
      return connectionOf(await pool.connect(), `BEGIN ISOLATION LEVEL ${isolation}; ${settings}`);
    },
    async read(text, parameters) {
      const connection = connectionOf(await pool.connect());
      let isUsable = false;
      try {
        const rows = await connection.query(text, parameters);
        isUsable = true;
        return rows;
      } finally {
        connection.release(isUsable);
      }
    },
  };
}

/** A connection on which `beginning` is sent first. Nothing is sent after one that failed: it would be committed. */
function connectionOf<Client extends PgClient>(client: Client, beginning?: string): SqlConnection<Client> {
  // The statement that is under way rejects with the same error.
  client.on("error", ignored);
  const query = client.query.bind(client) as unknown as Query;
  const command = async (text: string): Promise<string> => {
    const result = (await inTime(query(text), replyMaxMs)) as { readonly command?: string };
    return result.command ?? "";
  };
  const begun = beginning === undefined ? Promise.resolve("") : command(beginning);
  begun.catch(ignored);
  return {
    handle: handleOf(client),
    async query(text, values) {
      await begun;
      const { rows } = (await inTime(query({ name: nameOf(text), text, values, rowMode: "array" }), replyMaxMs)) as {
        readonly rows: readonly (readonly unknown[])[];
      };
      return rows.map(([column]) => column);
    },
    async command(text) {
      await begun;
      await command(text);
    },
    async commit() {
      const isBegun = await begun.then(
        () => true,
        () => false,
      );
      return isBegun && (await command("COMMIT")) === "COMMIT" ? "COMMIT" : "ROLLBACK";
    },
    rollback: async () => void (await command("ROLLBACK")),
    release(isUsable) {
      client.removeListener("error", ignored);
      client.release(!isUsable);
    },
  };
}

/** Members that would give the connection to others, or end it, in the middle of its transaction. */
const ownMembers = new Set<string | symbol>(["connect", "end", "release"]);

/** The client, which its pool takes back only from the store. */
function handleOf<Client extends object>(client: Client): Client {
  const handle: Client = new Proxy(client, {
    get(target, name) {
      if (ownMembers.has(name)) {
        return () => {
          throw new HandlerFailed(`the store gives the connection back; do not call ${String(name)}()`);
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return new Proxy(member, {
        apply: (method, self, args) => Reflect.apply(method, self === handle ? target : self, args) as unknown,
      });
    },
  });
  return handle;
}

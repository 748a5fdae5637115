// What is known of a transaction that fails, on a real server: what failed before its commit has changed nothing, and
// only a commit whose answer is lost is unknown.
import { StoreFailure } from "assent/internal/engine";
import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { after, test } from "node:test";
import type { PoolClient } from "pg";
import { Pool } from "pg";
import { TestServer } from "../test-kit/postgres-server.ts";
import { Database, type SqlTransaction } from "./database.ts";
import { pgDriver } from "./pg-driver.ts";
import { postgres } from "./postgres.ts";

const server = await TestServer.start({ fsync: false });
after(() => server.stop());
const pool = server.pool();
await pool.query("CREATE TABLE seats (name text PRIMARY KEY, taken integer NOT NULL)");
const database = new Database(pgDriver(pool));
const deadlineMs = 60_000;

type Transaction = SqlTransaction<PoolClient>;

async function takenSeats(name: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ taken: number }>("SELECT taken FROM seats WHERE name = $1", [name]);
  return rows[0]?.taken;
}

const put = ({ handle }: Transaction, name: string): Promise<unknown> =>
  handle.query("INSERT INTO seats VALUES ($1, 1)", [name]);

const done = { result: "done", writes: true };

/** Waits until a query answers a row. */
async function until(text: string): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while ((await pool.query(text)).rows.length === 0) assert.ok(performance.now() < deadline, text);
}

test("C2 a transaction that fails before its commit changes nothing, and says so", async () => {
  const failing = database.transaction(async (transaction) => {
    await put(transaction, "a");
    await transaction.handle.query("SELECT 1 / 0");
    return done;
  });
  await assert.rejects(failing, { code: "step_failed", changed: "nothing" });
  assert.equal(await takenSeats("a"), undefined);
});

test("C2 a statement whose error was caught takes the transaction with it: no commit is reported", async () => {
  const failing = database.transaction(async (transaction) => {
    await put(transaction, "b");
    await transaction.handle.query("SELECT 1 / 0").catch(() => undefined);
    return done;
  });
  await assert.rejects(failing, { code: "step_failed", changed: "nothing", message: /ROLLBACK/ });
  assert.equal(await takenSeats("b"), undefined);
});

test("C2 a commit that the server refuses has changed nothing", async () => {
  await pool.query(
    "CREATE TABLE prices (seat text REFERENCES seats DEFERRABLE INITIALLY DEFERRED, price integer NOT NULL)",
  );
  const failing = database.transaction(async (transaction) => {
    await put(transaction, "c");
    await transaction.handle.query("INSERT INTO prices VALUES ('nowhere', 1)");
    return done;
  });
  await assert.rejects(failing, { code: "step_failed", changed: "nothing", message: /foreign key/ });
  assert.equal(await takenSeats("c"), undefined);
});

test("C2 a commit whose answer is lost is unknown, never refused", async () => {
  await pool.query(`CREATE TABLE slow (name text);
    CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(3600); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION wait_at_commit()`);
  const committing = database.transaction(async (transaction) => {
    await put(transaction, "d");
    await transaction.handle.query("SET LOCAL statement_timeout = 0; INSERT INTO slow VALUES ('d')");
    return done;
  });
  const isCommitting = "FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'";
  const failed = assert.rejects(committing, { code: "store_broken", changed: "unknown" });
  await until(`SELECT pg_terminate_backend(pid) ${isCommitting}`);
  await failed;
});

test("a connection that ends before the commit changes nothing, and the transaction is run again", async () => {
  let runs = 0;
  const result = await database.transaction(async (transaction) => {
    runs += 1;
    await put(transaction, "e");
    const { rows } = await transaction.handle.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    if (runs === 1) await pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await transaction.handle.query("SELECT 1");
    return done;
  });
  assert.deepEqual([result, runs, await takenSeats("e")], ["done", 2, 1]);
});

test("a connection whose prepared statements are gone is closed, and what met it is run again on another", async () => {
  const few = server.pool(2);
  const stale = new Database(pgDriver(few));
  const text = "INSERT INTO seats VALUES ($1, 1) RETURNING '{}'";
  const add = (name: string): Promise<string> =>
    stale.transaction(async (transaction) => {
      await transaction.query(text, [name]);
      return done;
    });
  const count = "SELECT json_build_object('n', count(*))::text FROM seats WHERE name LIKE $1";
  await add("stale-1");
  await stale.read(count, ["stale-%"]);
  await few.query("DISCARD ALL");
  assert.equal(await add("stale-2"), "done");
  await few.query("DEALLOCATE ALL");
  assert.equal(await add("stale-3"), "done");
  await stale.read(count, ["stale-%"]);
  await few.query("DISCARD ALL");
  assert.deepEqual(await stale.read(count, ["stale-%"]), [{ n: 3 }]);
});

test("nothing runs where its transaction could not be begun: each statement would be committed by itself", async () => {
  const snapshot = new Database(pgDriver(pool), { isolation: "snapshot" as "serializable" });
  const failing = snapshot.transaction(async (transaction) => {
    await transaction.query("INSERT INTO seats VALUES ('f', 1) RETURNING '{}'", []);
    return done;
  });
  await assert.rejects(failing, { changed: "nothing", message: /syntax error/ });
  assert.equal(await takenSeats("f"), undefined);
  const empty = snapshot.transaction(() => Promise.resolve(done));
  await assert.rejects(empty, { changed: "nothing", message: /ROLLBACK/ });
});

test("transactions that wait for each other are all done in the end", async () => {
  await pool.query("INSERT INTO seats VALUES ('left', 0), ('right', 0)");
  const take = "UPDATE seats SET taken = taken + 1 WHERE name = $1";
  let runs = 0;
  let firsts = 0;
  const bothFirst = Promise.withResolvers<void>();
  const crossed = (names: readonly string[]): Promise<string> =>
    database.transaction(async ({ handle }) => {
      runs += 1;
      await handle.query(take, [names[0]]);
      firsts += 1;
      if (firsts === 2) bothFirst.resolve();
      await bothFirst.promise;
      await handle.query(take, [names[1]]);
      return done;
    });
  await Promise.all([crossed(["left", "right"]), crossed(["right", "left"])]);
  assert.deepEqual([await takenSeats("left"), await takenSeats("right")], [2, 2]);
  assert.ok(runs > 2, "one was run again");
});

test("without a server nothing is begun, and nothing was changed", async () => {
  const nowhere = new Pool({ host: "127.0.0.1", port: 1 });
  const unreached = new Database(pgDriver(nowhere)).transaction(() => Promise.resolve(done));
  await assert.rejects(unreached, (error) => error instanceof StoreFailure && error.changed === "nothing");
  await nowhere.end();
});

test("a connection that ends in the moment in which it is made ends no process", async () => {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const fatal = message("E", Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"));
  // Ready, and at its end, in one packet: what a dying server may send.
  const packet = Buffer.concat([message("R", Buffer.alloc(4)), message("Z", Buffer.from("I")), fatal]);
  const dying = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(packet));
  });
  await new Promise<void>((resolve) => {
    dying.listen(0, "127.0.0.1", resolve);
  });
  const { port } = dying.address() as AddressInfo;
  const dyingPool = new Pool({ host: "127.0.0.1", port, user: "x", database: "x" });
  await assert.rejects(postgres(dyingPool).migrate());
  await dyingPool.end();
  dying.close();
});

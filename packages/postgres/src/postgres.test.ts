// The door: what a database must keep before it is used, its tables, and what the log shows in plain SQL.
import { beginRequest, TestClock } from "@assent/conformance";
import { defaultLimits } from "assent/internal/protocol";
import { systemClock } from "assent/node";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PoolClient } from "pg";
import { TestServer } from "../test-kit/postgres-server.ts";
import { type OnDecide, postgres, type PostgresOptions } from "./index.ts";

const server = await TestServer.start();
after(() => server.stop());
const pool = server.pool();

const settings = { coordinator: "trips", limits: defaultLimits, clock: systemClock };

async function migrated(options: PostgresOptions<PoolClient> = {}): Promise<string> {
  const schema = await server.schema(pool);
  await postgres(pool, { ...options, schema }).migrate();
  return schema;
}

test("a database without the tables is refused; several processes may make them at once, and again", async () => {
  const schema = await server.schema(pool);
  const store = postgres(pool, { schema });
  const lacking = { code: "unsuitable_server", message: /lacks .*assent_transactions.*: call migrate/ };
  await assert.rejects(store.openLog(settings), lacking);
  await Promise.all([1, 2, 3].map(() => store.migrate()));
  await postgres(server.sql(), { schema }).migrate();
  await (await store.openLog(settings)).close();
});

test("D1 a server that may lose what it has answered is refused, unless that is asked for", async () => {
  const schema = await migrated();
  const unsafe = await TestServer.start({ fsync: false });
  const lossy = unsafe.pool();
  await postgres(lossy).migrate();
  await assert.rejects(postgres(lossy).openLog(settings), { code: "unsuitable_server", message: /fsync is off/ });
  await postgres(lossy, { acceptsLoss: true }).openLog(settings);
  await unsafe.stop();
  await pool.query("ALTER ROLE postgres SET synchronous_commit = off");
  await assert.rejects(postgres(server.pool(), { schema }).openLog(settings), { message: /synchronous_commit is off/ });
  await pool.query("ALTER ROLE postgres RESET synchronous_commit");
  await assert.rejects(postgres(lossy).openLog(settings), { code: "unsuitable_server", message: /cannot be reached/ });
});

test("an isolation that is no level is refused before anything is opened", () => {
  const isolation = "snapshot" as "serializable";
  const message = /"snapshot" is no isolation level; the levels are read committed, repeatable read, serializable/;
  assert.throws(() => postgres(pool, { isolation }), { name: "RangeError", message });
});

test("coordinators of different names share nothing, and those of one name share their log", async () => {
  const schema = await migrated();
  const open = async (coordinator: string) =>
    (await postgres(pool, { schema }).openLog({ ...settings, coordinator })).log;
  const [one, same, other] = await Promise.all([open("trips"), open("trips"), open("orders")]);
  const request = beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: { total: 3 } } });
  assert.equal((await one.begin(request)).kind, "begun");
  assert.equal((await same.begin(request)).kind, "in_flight");
  assert.equal((await other.begin(request)).kind, "begun");
});

test("C2 a decision waits for the one before it, and is decided on what that one wrote", async () => {
  const schema = await migrated();
  const { log } = await postgres(pool, { schema }).openLog(settings);
  const begun = await log.begin(
    beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: {} } }),
  );
  assert.ok(begun.kind === "begun");
  const { record } = begun;
  // Until both are at the record, another session keeps it from both.
  const holder = await pool.connect();
  await holder.query("BEGIN");
  await holder.query(`SELECT * FROM ${schema}.assent_transactions FOR UPDATE`);
  const decisions = (["commit", "abort"] as const).map((decision) => log.decide({ ...record, decision }));
  const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}%'`;
  const deadline = performance.now() + 60_000;
  while ((await pool.query<{ n: number }>(waiting)).rows[0]?.n !== 2) assert.ok(performance.now() < deadline);
  await holder.query("COMMIT");
  holder.release();
  const kinds = (await Promise.all(decisions)).map(({ kind }) => kind);
  assert.deepEqual(kinds.toSorted(), ["lost", "written"]);
  assert.equal((await log.read(record.txId))?.state, kinds[0] === "written" ? "committing" : "aborting");
});

test("C4 the caller's own changes are in the transaction of the decision, or it is not written", async () => {
  await pool.query("CREATE TABLE orders (key text PRIMARY KEY, state text NOT NULL CHECK (state <> 'forbidden'))");
  const states = ["paid", "forbidden"];
  const onDecide: OnDecide<PoolClient> = async ({ db, record }) => {
    if (record.state === "aborting") return true;
    if (states.length === 0) return false;
    await db.query("INSERT INTO orders VALUES ($1, $2)", [record.key, states.shift()]);
    return true;
  };
  const schema = await migrated();
  const { log } = await postgres(pool, { schema, onDecide }).openLog(settings);
  const begin = async (key: string) => {
    const begun = await log.begin(beginRequest(new TestClock(), { key, create: { incarnation: "life1", fields: {} } }));
    assert.ok(begun.kind === "begun");
    return begun.record;
  };
  const [paid, forbidden, unmet] = [await begin("paid"), await begin("forbidden"), await begin("unmet")];
  assert.equal((await log.decide({ ...paid, decision: "commit" })).kind, "written");
  await assert.rejects(log.decide({ ...forbidden, decision: "commit" }), { changed: "nothing", message: /check/ });
  assert.equal((await log.read(forbidden.txId))?.state, "active");
  assert.equal((await log.decide({ ...unmet, decision: "commit" })).kind, "unmet");
  assert.equal((await log.decide({ ...unmet, decision: "abort" })).kind, "written");
  assert.deepEqual((await pool.query("SELECT * FROM orders")).rows, [{ key: "paid", state: "paid" }]);
});

test("C2 a decision is not written after its onDecide has ended the transaction that holds its lock", async () => {
  const schema = await migrated();
  const onDecide: OnDecide<PoolClient> = async ({ db, record }) => {
    if (record.state === "aborting") return;
    await db.query("BEGIN");
    await db.query("COMMIT");
  };
  const { log } = await postgres(pool, { schema, onDecide }).openLog(settings);
  const begun = await log.begin(
    beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: {} } }),
  );
  assert.ok(begun.kind === "begun");
  const { record } = begun;
  const ended = { changed: "nothing", message: /onDecide has ended the transaction/ };
  await assert.rejects(log.decide({ ...record, decision: "commit" }), ended);
  assert.equal((await log.read(record.txId))?.state, "active");
  assert.equal((await log.peek("k"))?.outcome, "pending", "its row is as it was");
  assert.equal((await log.decide({ ...record, decision: "abort" })).kind, "written");
});

test("D1 no decision is written whose onDecide lets its commit be lost", async () => {
  const schema = await migrated();
  const onDecide: OnDecide<PoolClient> = async ({ db }) => void (await db.query("SET LOCAL synchronous_commit = off"));
  const { log } = await postgres(pool, { schema, onDecide }).openLog(settings);
  const begun = await log.begin(
    beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: {} } }),
  );
  assert.ok(begun.kind === "begun");
  const lossy = { changed: "nothing", message: /synchronous_commit to off/ };
  await assert.rejects(log.decide({ ...begun.record, decision: "commit" }), lossy);
  assert.equal((await log.read(begun.record.txId))?.state, "active");
});

test("the client of onDecide works no more once the decision is being written", async () => {
  const schema = await migrated();
  let escaped: PoolClient | undefined;
  const onDecide: OnDecide<PoolClient> = ({ db }) => {
    assert.throws(() => db.release(), /do not call release/);
    escaped = db;
    return Promise.resolve();
  };
  const { log } = await postgres(pool, { schema, onDecide }).openLog(settings);
  const begun = await log.begin(
    beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: {} } }),
  );
  assert.ok(begun.kind === "begun");
  assert.equal((await log.decide({ ...begun.record, decision: "commit" })).kind, "written");
  assert.throws(() => escaped?.query("SELECT 1"), /is over/);
});

test("the history of a transaction is read in plain SQL, as the log returns it", async () => {
  const schema = await migrated();
  const { log } = await postgres(pool, { schema }).openLog(settings);
  const clock = new TestClock();
  const begun = await log.begin(beginRequest(clock, { key: "k", create: { incarnation: "life1", fields: {} } }));
  assert.ok(begun.kind === "begun");
  let { record } = begun;
  const { txId } = record;
  for (let turns = 0; turns < 80; turns += 1) {
    const taker = { owner: `owner-${turns}\u0000`, epoch: record.epoch + 1 };
    await log.takeOver({ txId, seen: record, taker });
    record = { ...record, ...taker };
    if (turns % 3 === 0) await log.park({ ...record, note: { reason: `silent ${turns}`, since: 1, attempts: turns } });
  }
  await log.decide({ ...record, decision: "abort", reason: "sold_out" });
  await log.end(record);
  const { rows } = await pool.query<{ shown: object }>(
    `SELECT json_strip_nulls(json_build_object('at', extract(epoch FROM at) * 1000, 'owner', owner, 'epoch', epoch,
      'event', event, 'decision', decision, 'reason', reason, 'entries', left_out, 'from_owner', from_owner)) AS shown
    FROM ${schema}.assent_history WHERE tx_id = $1 ORDER BY entry`,
    [txId],
  );
  const history = await log.history(txId);
  assert.ok(history.some(({ event }) => event === "left_out"));
  const plain = history.map((entry) => ({
    ...entry,
    // A NUL is no part of a text of PostgreSQL, and is written as two other characters.
    owner: entry.owner.replace("\u0000", "\u0001\u0001"),
    ...("from" in entry && { from_owner: entry.from.owner.replace("\u0000", "\u0001\u0001") }),
    from: undefined,
  }));
  assert.deepEqual(
    rows.map(({ shown }) => shown),
    JSON.parse(JSON.stringify(plain)),
  );
});

test("what is not known to this version of the library is kept in the rows that it writes", async () => {
  const schema = await migrated();
  const { log } = await postgres(pool, { schema }).openLog(settings);
  const begun = await log.begin(
    beginRequest(new TestClock(), { key: "k", create: { incarnation: "life1", fields: {} } }),
  );
  assert.ok(begun.kind === "begun");
  await pool.query(`UPDATE ${schema}.assent_transactions SET more = '{"colour": "red"}'`);
  await log.decide({ ...begun.record, decision: "commit" });
  assert.equal(((await log.read(begun.record.txId)) as { colour?: string } | undefined)?.colour, "red");
});

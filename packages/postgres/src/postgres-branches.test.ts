// What a handler does and the record of its branch are one transaction, whatever comes in between.
import { HandlerFailed, type AsyncBranchHandler } from "assent/internal/participant";
import type { BranchFailure, BranchStore } from "assent/internal/ports";
import { type Answer, type Command, defaultLimits } from "assent/internal/protocol";
import { systemClock } from "assent/node";
import { TestClock, turn } from "@assent/conformance";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PoolClient } from "pg";
import type { TransactionSql } from "postgres";
import { TestServer } from "../test-kit/postgres-server.ts";
import { postgres } from "./postgres.ts";

const server = await TestServer.start();
after(() => server.stop());
const pool = server.pool(12);
await postgres(pool).migrate();
await pool.query(`CREATE TABLE wallets (name text PRIMARY KEY, credit integer NOT NULL CHECK (credit >= 0));
  INSERT INTO wallets SELECT 'w' || n, 100 FROM generate_series(1, 40) n`);
let wallets = 0;

type Handle = AsyncBranchHandler<PoolClient>["prepare"];

const ok = { kind: "ok" } as const;
const fine = (): typeof ok => ok;
const take = "UPDATE wallets SET credit = credit - 10 WHERE name = $1";
const yes: Answer = { kind: "done", state: "prepared" };

const handlerOf = <Db>(operations: Partial<AsyncBranchHandler<Db>>): AsyncBranchHandler<Db> => ({
  prepare: fine,
  commit: fine,
  abort: fine,
  execute: fine,
  compensate: fine,
  reapply: fine,
  ...operations,
});

async function storeOf(
  operations: Partial<AsyncBranchHandler<PoolClient>>,
  options: { clock?: TestClock; isolation?: "serializable" } = {},
): Promise<BranchStore> {
  const { clock = systemClock, isolation } = options;
  const store = postgres(pool, isolation === undefined ? {} : { isolation });
  const handler = handlerOf(operations);
  return (await store.openBranches({ service: "wallets", handler, limits: defaultLimits, clock })).branches;
}

/** A wallet that no other test has, and the commands of a branch that is about it. */
function newBranch(): { wallet: string; command: (verb: Command["verb"]) => Command } {
  wallets += 1;
  const wallet = `w${wallets}`;
  const base = { txId: `${wallet}:life1:1`, branchId: "wallets/0", protocol: "2pc", epoch: 1 } as const;
  const begunAt = Date.now();
  const vote = { deadlineAt: begunAt + 3_600_000, payload: { wallet }, origin: "origin" };
  const command = (verb: Command["verb"]): Command => ({ ...base, verb, begunAt, ...(verb === "prepare" && vote) });
  return { wallet, command };
}

async function answerTo(store: BranchStore, command: Command, failures?: BranchFailure[]): Promise<Answer> {
  const [answer] = await store.apply([command], (failure) => failures?.push(failure));
  assert.ok(answer !== undefined);
  return answer;
}

async function credit(wallet: string): Promise<number | undefined> {
  return (await pool.query<{ credit: number }>("SELECT credit FROM wallets WHERE name = $1", [wallet])).rows[0]?.credit;
}

const walletOf = ({ payload }: { readonly payload: unknown }): string => (payload as { wallet: string }).wallet;

const taking: Handle = async ({ db, ...step }) => {
  await db.query(take, [walletOf(step)]);
  return ok;
};

test("M3 what a handler that throws has written is gone, and its failure is reported with its stack", async () => {
  const { wallet, command } = newBranch();
  const failing: Handle = async (step) => {
    await taking(step);
    throw new Error("a bug");
  };
  const failures: BranchFailure[] = [];
  const answer = await answerTo(await storeOf({ prepare: failing }), command("prepare"), failures);
  assert.deepEqual(answer, { kind: "unknown", reason: "handler_failed" });
  assert.ok(failures[0]?.error instanceof HandlerFailed);
  assert.equal(await credit(wallet), 100);
  assert.deepEqual(await answerTo(await storeOf({ prepare: taking }), command("prepare")), yes, "no record was left");
  assert.equal(await credit(wallet), 90);
});

test("M3 an error of another connection of a handler is its own, and is reported", async () => {
  const { command } = newBranch();
  let runs = 0;
  const calling: Handle = () => {
    runs += 1;
    throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  };
  const failures: BranchFailure[] = [];
  const answer = await answerTo(await storeOf({ prepare: calling }), command("prepare"), failures);
  assert.deepEqual([answer, runs, failures.length], [{ kind: "unknown", reason: "handler_failed" }, 1, 1]);
});

test("P3 what a handler wrote before it refused is undone, and its refusal stays", async () => {
  const { wallet, command } = newBranch();
  const refusing: Handle = async (step) => {
    await taking(step);
    return { kind: "refused", reason: "closed" };
  };
  const refused = { kind: "refused", reason: "closed" };
  assert.deepEqual(await answerTo(await storeOf({ prepare: refusing }), command("prepare")), refused);
  assert.equal(await credit(wallet), 100);
  assert.deepEqual(await answerTo(await storeOf({ prepare: taking }), command("prepare")), refused);
});

test("P3 a handler may refuse because of what its table does not allow", async () => {
  const { wallet, command } = newBranch();
  await pool.query("UPDATE wallets SET credit = 5 WHERE name = $1", [wallet]);
  const refusing: Handle = (step) =>
    Promise.resolve(taking(step)).catch(() => ({ kind: "refused", reason: "no_credit" }) as const);
  const answer = await answerTo(await storeOf({ prepare: refusing }), command("prepare"));
  assert.deepEqual(answer, { kind: "refused", reason: "no_credit" });
  assert.equal(await credit(wallet), 5);
});

test("P4 copies of a command in several processes take once, and their handler runs once", async () => {
  const { wallet, command } = newBranch();
  let runs = 0;
  const counted: Handle = (step) => {
    runs += 1;
    return taking(step);
  };
  const stores = await Promise.all(Array.from({ length: 4 }, () => storeOf({ prepare: counted })));
  const answers = await Promise.all(stores.map((store) => store.apply([command("prepare"), command("prepare")])));
  assert.deepEqual(
    answers.flat(),
    Array.from({ length: 8 }, () => yes),
  );
  assert.deepEqual([await credit(wallet), runs], [90, 1]);
});

test("P4 copies of a decision in several processes settle once", async () => {
  const { wallet, command } = newBranch();
  await answerTo(await storeOf({ prepare: taking }), command("prepare"));
  const giving: Handle = async ({ db }) => {
    await db.query("UPDATE wallets SET credit = credit + 10 WHERE name = $1", [wallet]);
    return ok;
  };
  const stores = await Promise.all(Array.from({ length: 4 }, () => storeOf({ abort: giving })));
  const answers = await Promise.all(stores.map((store) => answerTo(store, command("abort"))));
  assert.deepEqual(
    answers,
    answers.map(() => ({ kind: "done", state: "aborted" })),
  );
  assert.equal(await credit(wallet), 100);
});

test("P3 an abort that overtakes its prepare in another process waits, and gives back what it took", async () => {
  const { wallet, command } = newBranch();
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: Handle = async (step) => {
    await taking(step);
    begun.resolve();
    await goOn.promise;
    return ok;
  };
  const preparing = answerTo(await storeOf({ prepare: slow }), command("prepare"));
  await begun.promise;
  const giving: Handle = async ({ db }) => {
    await db.query("UPDATE wallets SET credit = credit + 10 WHERE name = $1", [wallet]);
    return ok;
  };
  const aborting = answerTo(await storeOf({ abort: giving }), command("abort"));
  const isWaiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%assent_branches%'";
  const deadline = performance.now() + 60_000;
  while ((await pool.query(isWaiting)).rows.length === 0) assert.ok(performance.now() < deadline);
  goOn.resolve();
  assert.deepEqual(await preparing, yes);
  assert.deepEqual(await aborting, { kind: "done", state: "aborted" });
  assert.equal(await credit(wallet), 100);
});

test("P10 a wait for others that takes too long is contended for a vote, and unknown for a decision", async () => {
  const { wallet, command } = newBranch();
  const impatient: Handle = async (step) => {
    await step.db.query("SET LOCAL lock_timeout = 20");
    return taking(step);
  };
  const store = await storeOf({ prepare: impatient, commit: impatient });
  const other = await pool.connect();
  await other.query("BEGIN");
  await other.query(take, [wallet]);
  const failures: BranchFailure[] = [];
  assert.deepEqual(await answerTo(store, command("prepare"), failures), { kind: "contended" });
  await other.query("ROLLBACK");
  assert.deepEqual(await answerTo(store, command("prepare")), yes);
  await other.query("BEGIN");
  await other.query(take, [wallet]);
  assert.deepEqual(await answerTo(store, command("commit"), failures), { kind: "unknown", reason: "step_failed" });
  await other.query("ROLLBACK");
  other.release();
  assert.deepEqual(await answerTo(store, command("commit")), { kind: "done", state: "committed" });
  assert.deepEqual(failures, [], "no handler is to blame");
});

test("steps that the server cannot serialize are run again until they are", async () => {
  const { wallet } = newBranch();
  const readThenWrite: Handle = async ({ db }) => {
    const { rows } = await db.query<{ credit: number }>("SELECT credit FROM wallets WHERE name = $1", [wallet]);
    await db.query("UPDATE wallets SET credit = $2 WHERE name = $1", [wallet, (rows[0]?.credit ?? 0) - 10]);
    return ok;
  };
  const store = await storeOf({ prepare: readThenWrite }, { isolation: "serializable" });
  const commands = Array.from({ length: 6 }, (_, index) => ({
    ...newBranch().command("prepare"),
    branchId: `wallets/${index}`,
  }));
  assert.deepEqual(
    await store.apply(commands),
    commands.map(() => yes),
  );
  assert.equal(await credit(wallet), 40);
});

test("a handler reaches nothing after its step, and one that ends its transaction has failed", async () => {
  const late = newBranch();
  let escaped: PoolClient | undefined;
  const leaking: Handle = ({ db }) => {
    escaped = db;
    return ok;
  };
  assert.deepEqual(await answerTo(await storeOf({ prepare: leaking }), late.command("prepare")), yes);
  assert.throws(() => escaped?.query(take, [late.wallet]), /the step of this handler is over/);

  const ending = newBranch();
  const committing: Handle = async ({ db }) => {
    await db.query("COMMIT");
    await db.query("BEGIN");
    return ok;
  };
  const failures: BranchFailure[] = [];
  const answer = await answerTo(await storeOf({ prepare: committing }), ending.command("prepare"), failures);
  assert.equal(answer.kind, "unknown");
  assert.match(failures[0]?.error.message ?? "", /ended the transaction/);
});

test("P3 a handler that commits by itself and then refuses has failed, since its effect cannot be undone", async () => {
  const noRow = "INSERT INTO wallets VALUES ('', -1)";
  for (const ending of [["COMMIT"], ["COMMIT", "BEGIN"], ["COMMIT", "BEGIN", noRow]]) {
    const { wallet, command } = newBranch();
    const refusing: Handle = async (step) => {
      await taking(step);
      for (const text of ending) await step.db.query(text).catch(() => undefined);
      return { kind: "refused", reason: "closed" };
    };
    const failures: BranchFailure[] = [];
    const answer = await answerTo(await storeOf({ prepare: refusing }), command("prepare"), failures);
    assert.deepEqual([answer, ending], [{ kind: "unknown", reason: "handler_failed" }, ending]);
    assert.match(failures[0]?.error.message ?? "", /cannot be undone, and no refusal is recorded/);
    assert.equal(await credit(wallet), 90, "as the message says");
  }
});

test("D1 no vote is acknowledged that a crash may lose, whatever its session or its handler has set", async () => {
  const one = server.pool(1);
  const opening = { service: "wallets", limits: defaultLimits, clock: systemClock };
  const open = (operations: Partial<AsyncBranchHandler<PoolClient>>, acceptsLoss: boolean) =>
    postgres(one, { acceptsLoss }).openBranches({ ...opening, handler: handlerOf(operations) });
  const { wallet, command } = newBranch();
  const settings: unknown[] = [];
  const looking: Handle = async (step) => {
    settings.push((await step.db.query("SHOW synchronous_commit")).rows[0]);
    return taking(step);
  };
  const lossy: Handle = async (step) => {
    await step.db.query("SET LOCAL synchronous_commit = off");
    return taking(step);
  };
  const on = { synchronous_commit: "on" };
  // A store is not opened over a session that is off, so the application turns it off afterwards.
  const { branches: safe } = await open({ prepare: looking }, false);
  const { branches: unsafe } = await open({ prepare: lossy }, false);
  await one.query("SET synchronous_commit = off");
  const failures: BranchFailure[] = [];
  const failed: Answer = { kind: "unknown", reason: "handler_failed" };
  assert.deepEqual(await answerTo(unsafe, command("prepare"), failures), failed);
  assert.match(failures[0]?.error.message ?? "", /synchronous_commit/);
  assert.equal(await credit(wallet), 100);
  assert.deepEqual([await answerTo(safe, command("prepare")), settings], [yes, [on]]);
  const other = newBranch();
  const { branches: accepting } = await open({ prepare: lossy }, true);
  assert.deepEqual(await answerTo(accepting, other.command("prepare")), yes);
});

test("a handler that gives its connection back has failed, and the connection stays in its transaction", async () => {
  for (const member of ["release", "end", "connect"] as const) {
    const { wallet, command } = newBranch();
    const giving: Handle = async (step) => {
      await taking(step);
      const { [member]: call } = step.db;
      await Reflect.apply(call, step.db, []);
      return ok;
    };
    const failures: BranchFailure[] = [];
    const answer = await answerTo(await storeOf({ prepare: giving }), command("prepare"), failures);
    assert.deepEqual(answer, { kind: "unknown", reason: "handler_failed" });
    assert.match(failures[0]?.error.message ?? "", new RegExp(`do not call ${member}\\(\\)`));
    assert.equal(await credit(wallet), 100);
    assert.deepEqual(await answerTo(await storeOf({ prepare: taking }), command("prepare")), yes);
  }
});

test("a handler that takes too long is given up, and nothing of it is kept", async () => {
  const { wallet, command } = newBranch();
  const clock = new TestClock();
  const begun = Promise.withResolvers<void>();
  const hanging: Handle = async (step) => {
    await taking(step);
    begun.resolve();
    return new Promise(() => undefined);
  };
  const answer = answerTo(await storeOf({ prepare: hanging }, { clock }), command("prepare"));
  await begun.promise;
  clock.advance(defaultLimits.answerWaitMs);
  assert.deepEqual(await answer, { kind: "unknown", reason: "handler_failed" });
  assert.equal(await credit(wallet), 100);
  assert.deepEqual(await answerTo(await storeOf({ prepare: taking }), command("prepare")), yes);
});

/** Resolves when the driver has noticed that the connection is gone: then nothing can be reached any more. */
async function untilClosed(db: TransactionSql): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      assert.equal(typeof db.unsafe, "function");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "CONNECTION_CLOSED") return;
      throw error;
    }
    assert.ok(performance.now() < deadline, "the driver has not noticed");
    await turn();
  }
}

test("a connection of either driver that ends in a handler ends neither the process nor the branch", async () => {
  const kill = (pid: unknown): Promise<unknown> => pool.query("SELECT pg_terminate_backend($1)", [pid]);
  const own = "SELECT pg_backend_pid() AS pid";
  const overPg = newBranch();
  let runs = 0;
  const killedOnce: Handle = async (step) => {
    runs += 1;
    if (runs === 1) await kill((await step.db.query<{ pid: number }>(own)).rows[0]?.pid);
    return taking(step);
  };
  assert.deepEqual(await answerTo(await storeOf({ prepare: killedOnce }), overPg.command("prepare")), yes);
  assert.deepEqual([await credit(overPg.wallet), runs], [90, 2]);

  const { wallet, command } = newBranch();
  let runsOfOther = 0;
  const handler = handlerOf<TransactionSql>({
    async prepare({ db }) {
      runsOfOther += 1;
      if (runsOfOther === 1) {
        await kill((await db.unsafe(own))[0]?.["pid"]);
        await untilClosed(db);
      }
      await db`UPDATE wallets SET credit = credit - 10 WHERE name = ${wallet}`;
      return ok;
    },
  });
  const store = postgres<TransactionSql>(server.sql());
  const options = { service: "wallets", handler, limits: defaultLimits, clock: systemClock };
  const { branches } = await store.openBranches(options);
  assert.deepEqual(await answerTo(branches, command("prepare")), yes);
  assert.deepEqual([await credit(wallet), runsOfOther], [90, 2]);
});

test("P3 over postgres.js a handler may refuse because of what its table does not allow", async () => {
  const { wallet, command } = newBranch();
  const handler = handlerOf<TransactionSql>({
    async prepare({ db }) {
      try {
        await db`UPDATE wallets SET credit = credit - 1000 WHERE name = ${wallet}`;
        return ok;
      } catch {
        return { kind: "refused", reason: "no_credit" };
      }
    },
  });
  const store = postgres<TransactionSql>(server.sql());
  const options = { service: "wallets", handler, limits: defaultLimits, clock: systemClock };
  const { branches } = await store.openBranches(options);
  const refused: Answer = { kind: "refused", reason: "no_credit" };
  assert.deepEqual(await answerTo(branches, command("prepare")), refused);
  assert.deepEqual(await answerTo(await storeOf({ prepare: taking }), command("prepare")), refused);
});

// Handlers that misbehave, other writers, and a crash, over a file on the disk.
import { TestClock } from "@assent/conformance";
import type { AsyncBranchHandler } from "assent/internal/participant";
import { type Answer, defaultLimits } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeSeats, seatCommand, seatSeller, seatsOf } from "../../test-kit/seats.ts";
import { sqlite } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-sqlite-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

async function openSeats(change: Partial<AsyncBranchHandler<DatabaseSync>> = {}) {
  files += 1;
  const path = join(folder, `${files}.db`);
  const clock = new TestClock();
  const own = new DatabaseSync(path);
  const failures: string[] = [];
  const open = (service: string): ReturnType<ReturnType<typeof sqlite>["openBranches"]> =>
    sqlite(path).openBranches({ service, handler: { ...seatSeller, ...change }, limits: defaultLimits, clock });
  const opened = await open("flights");
  makeSeats(own, 5);
  const apply = (...verbs: readonly (readonly [Parameters<typeof seatCommand>[0], number, number?])[]) =>
    opened.branches.apply(
      verbs.map(([verb, number, seats = 1]) => seatCommand(verb, number, { seats, now: clock.now() })),
      ({ error }) => failures.push(error.message),
    );
  const close = async (): Promise<void> => {
    own.close();
    await opened.close();
  };
  return { own, clock, apply, failures, open, close, opened };
}

const prepared: Answer = { kind: "done", state: "prepared" };
const failed: Answer = { kind: "unknown", reason: "handler_failed" };

test("a handler that refuses has changed nothing, and its refusal is kept", async () => {
  const { own, apply, close } = await openSeats();
  const refused = { kind: "refused", reason: "sold_out" };
  assert.deepEqual(await apply(["prepare", 1, 3], ["prepare", 2, 3], ["prepare", 3, 2]), [prepared, refused, prepared]);
  assert.deepEqual(seatsOf(own), { free: 0, held: 5, booked: 0 });
  assert.deepEqual(await apply(["abort", 1, 3], ["prepare", 2, 3]), [{ kind: "done", state: "aborted" }, refused]);
  assert.deepEqual(seatsOf(own), { free: 3, held: 2, booked: 0 });
  const rows = own.prepare("SELECT tx_id || ' ' || state AS branch FROM assent_branches ORDER BY tx_id").all();
  assert.deepEqual(
    rows.map(({ branch }) => branch),
    ["trip-1:1:1 aborted", "trip-2:1:1 aborted", "trip-3:1:1 prepared"],
  );
  await close();
});

test("a handler that throws has changed nothing, is reported, and spoils no other command of its message", async () => {
  const { own, apply, failures, close } = await openSeats({
    prepare(step) {
      void seatSeller.prepare(step);
      if (step.txId.startsWith("trip-2")) throw new Error("no such plane");
      return { kind: "ok" };
    },
  });
  assert.deepEqual(await apply(["prepare", 1], ["prepare", 2], ["prepare", 3]), [prepared, failed, prepared]);
  assert.deepEqual(seatsOf(own), { free: 3, held: 2, booked: 0 });
  assert.match(failures.join(), /no such plane/);
  await close();
});

test("a handler that is too slow has changed nothing, and what it does later fails", async () => {
  let goOn: () => void = () => undefined;
  const late = new Promise<unknown>((resolve) => {
    goOn = () => resolve(undefined);
  });
  const attempts: string[] = [];
  const attempted = (work: () => unknown): void => {
    try {
      work();
      attempts.push("it works");
    } catch (error) {
      attempts.push(String(error));
    }
  };
  const { own, clock, apply, failures, close } = await openSeats({
    async prepare({ db, txId }) {
      const update: StatementSync = db.prepare("UPDATE seats SET free = free - 1");
      update.run();
      if (!txId.startsWith("trip-1")) return { kind: "ok" };
      await late;
      attempted(() => update.run());
      attempted(() => db.exec("UPDATE seats SET free = 0"));
      attempted(() => db.prepare("UPDATE seats SET free = 0").run());
      return { kind: "ok" };
    },
  });
  const answers = Promise.all([apply(["prepare", 1]), apply(["prepare", 2])]);
  while (clock.pending === 0) await new Promise(setImmediate);
  clock.advance(defaultLimits.answerWaitMs);
  assert.deepEqual(await answers, [[failed], [prepared]]);
  goOn();
  while (attempts.length < 3) await new Promise(setImmediate);
  for (const attempt of attempts) assert.match(attempt, /the step of this handler is over/);
  assert.deepEqual(seatsOf(own), { free: 4, held: 0, booked: 0 });
  assert.match(failures.join(), /did not finish within/);
  await close();
});

test("a handler cannot end the transaction or the step that it was given", async () => {
  for (const sql of ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "RELEASE assent_step", "ROLLBACK TO assent_step"]) {
    const { own, apply, failures, close } = await openSeats({
      prepare(step) {
        void seatSeller.prepare(step);
        step.db.exec(sql);
        return { kind: "refused", reason: "after all" };
      },
    });
    assert.deepEqual(await apply(["prepare", 1], ["abort", 2]), [failed, { kind: "done", state: "aborted" }], sql);
    assert.match(failures.join(), /not authorized/, sql);
    assert.deepEqual(seatsOf(own), { free: 5, held: 0, booked: 0 }, sql);
    await close();
  }
});

test("services of one process that share a file wait for each other, and for no time", async () => {
  const { own, clock, apply, open, close } = await openSeats({
    async prepare(step) {
      const result = seatSeller.prepare(step);
      await new Promise(setImmediate);
      return result;
    },
  });
  const other = await open("trains");
  const command = seatCommand("prepare", 2, { now: clock.now() });
  assert.deepEqual(await Promise.all([apply(["prepare", 1]), other.branches.apply([command])]), [
    [prepared],
    [prepared],
  ]);
  assert.deepEqual(seatsOf(own), { free: 3, held: 2, booked: 0 });
  await other.close();
  await close();
});

test("while another connection writes, nothing is known and nothing changed; afterwards it goes on", async () => {
  const { own, apply, close } = await openSeats();
  own.exec("BEGIN IMMEDIATE");
  assert.deepEqual(await apply(["prepare", 1]), [{ kind: "unknown", reason: "step_failed" }]);
  own.exec("COMMIT");
  assert.deepEqual(await apply(["prepare", 1]), [prepared]);
  assert.deepEqual(seatsOf(own), { free: 4, held: 1, booked: 0 });
  await close();
});

test("services that share a file have branches of their own", async () => {
  const { own, clock, apply, open, close } = await openSeats();
  const other = await open("trains");
  const command = seatCommand("prepare", 1, { now: clock.now() });
  assert.deepEqual(await apply(["prepare", 1]), [prepared]);
  assert.deepEqual(await other.branches.apply([command]), [prepared]);
  assert.deepEqual(seatsOf(own), { free: 3, held: 2, booked: 0 });
  clock.advance(defaultLimits.askAfterMs + 1);
  assert.equal((await other.branches.sweep(10)).questions.length, 1);
  await other.close();
  await close();
});

test("a database in memory is refused, because it loses what was answered", async () => {
  const options = { service: "flights", handler: seatSeller, limits: defaultLimits, clock: new TestClock() };
  await assert.rejects(sqlite(":memory:").openBranches(options), { code: "unsuitable_file" });
});

test("killed at any moment, it has all that it acknowledged, and each seat moved with its record", async () => {
  const path = join(folder, "killed.db");
  const own = new DatabaseSync(path);
  own.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 60000");
  makeSeats(own, 100_000);
  const acknowledged = new Map<number, string>();
  for (let kill = 0; kill < 4; kill += 1) {
    const script = fileURLToPath(new URL("../../test-kit/selling-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script, path, String(acknowledged.size + 1_000 * kill)]);
    const before = acknowledged.size;
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const lines = output.split("\n");
      output = lines.pop() ?? "";
      for (const line of lines) acknowledged.set(Number(line.split(" ")[0]), line.split(" ")[1] ?? "");
      if (acknowledged.size >= before + 20 + kill) child.kill("SIGKILL");
    });
    await new Promise((resolve) => child.once("close", resolve));
    assert.ok(acknowledged.size > before, "it has sold some");
  }
  const states = own.prepare("SELECT tx_id, state FROM assent_branches").all();
  const kept = new Map(states.map(({ tx_id, state }) => [Number(/\d+/.exec(String(tx_id))?.[0]), String(state)]));
  for (const [number, state] of acknowledged) {
    const now = kept.get(number);
    assert.ok(now === state || (state === "prepared" && now === "committed"), `trip ${number}: ${state}, ${now}`);
  }
  const counted = (state: string): number => [...kept.values()].filter((each) => each === state).length;
  const [held, booked] = [counted("prepared"), counted("committed")];
  assert.deepEqual(seatsOf(own), { free: 100_000 - held - booked, held, booked });
  own.close();
});

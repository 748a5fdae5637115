// P6, R6, M3: how a participant asks, and what it makes of the answers.
import { branchOperations } from "../engine/index.ts";
import { type Account, ledgerHandler, ledgerOperations } from "../ledger/index.ts";
import {
  type Command,
  decodeAnswers,
  defaultLimits,
  encodeCommands,
  encodeOrigin,
  type QuestionAnswer,
} from "../protocol/index.ts";
import { memoryBranches } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../testing/index.ts";
import type { Observation } from "../ports/observer.ts";
import { Participant, participantSweepMax } from "./participant.ts";

const { askAfterMs, sweepEveryMs } = defaultLimits;
/** A record asks after its time, in a sweep that comes within one and a half periods. */
const askedByMs = askAfterMs + 2 * sweepEveryMs;

class Desk {
  readonly clock = new VirtualClock();
  readonly observed: Observation[] = [];
  readonly asked: string[] = [];
  /** Answers by transaction; none is silence. */
  readonly answers = new Map<string, QuestionAnswer>();
  readonly branches = memoryBranches(
    ledgerHandler({ insufficient: "insufficient", absent: "absent" }),
    ledgerOperations,
    { clock: this.clock, schedule: (callback) => void this.clock.after(0, callback) },
  );
  readonly participant = new Participant({
    store: this.branches.store,
    questions: {
      ask: (_coordinator, { txId }) => {
        this.asked.push(txId);
        return txId === "broken:1:1" ? Promise.reject(new Error("no way")) : Promise.resolve(this.answers.get(txId));
      },
    },
    clock: this.clock,
    random: new SeededRandom(1),
    observer: { observe: (observation) => this.observed.push(observation) },
  });

  static async open(): Promise<Desk> {
    const desk = new Desk();
    const { clock, branches, participant } = desk;
    await clock.until(branches.run(ledgerOperations.openAccount, { accountId: "a", generation: "1", details: null }));
    await clock.until(branches.run(ledgerOperations.deposit, { accountId: "a", amount: 10 }));
    participant.start();
    return desk;
  }

  command(txId: string, change: Partial<Command> = {}): Command {
    const now = this.clock.now();
    const origin = { coordinator: "order", key: "k", definition: "d", definitionHash: 1, input: null, deadlineAt: now };
    return {
      txId,
      branchId: "b/0",
      verb: "prepare",
      protocol: "2pc",
      epoch: 5,
      begunAt: now,
      deadlineAt: now + 1_000,
      payload: { entries: [["a", 3]] },
      origin: encodeOrigin(origin),
      ...change,
    };
  }

  async prepare(txId: string, change: Partial<Command> = {}): Promise<void> {
    const reply = await this.clock.until(this.participant.handle(encodeCommands([this.command(txId, change)])));
    assert.deepEqual(decodeAnswers(reply ?? new Uint8Array()), [{ kind: "done", state: "prepared" }]);
  }

  async account(): Promise<Account | null> {
    return this.clock.until(this.branches.run(ledgerOperations.findAccount, { accountId: "a" }));
  }

  async state(txId: string): Promise<string | undefined> {
    const branch = await this.clock.until(this.branches.run(branchOperations.readBranch, { txId, branchId: "b/0" }));
    return branch?.forgotten === true ? `${branch.state}, forgotten` : branch?.state;
  }
}

test("M3 an invalid message is counted, reported and not answered", async () => {
  const { participant, observed } = await Desk.open();
  assert.equal(await participant.handle(new TextEncoder().encode("{")), undefined);
  assert.equal(participant.undecodable, 1);
  assert.equal(observed[0]?.type, "BackgroundWorkFailed");
});

test("P6 a yes vote asks after its time, not before, and goes on asking while the answer is wait or none", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  await desk.clock.advance(askAfterMs - sweepEveryMs);
  assert.deepEqual(desk.asked, []);
  await desk.clock.advance(3 * sweepEveryMs);
  assert.deepEqual(desk.asked, ["t:1:1"]);
  desk.answers.set("t:1:1", { kind: "wait" });
  await desk.clock.advance(askedByMs);
  assert.deepEqual(desk.asked, ["t:1:1", "t:1:1"]);
  assert.equal(await desk.state("t:1:1"), "prepared", "it never releases on its own");
  assert.equal((await desk.account())?.held, 3);
});

test("P6 a decision is carried out as if it were a command, and forgotten when everything has ended", async () => {
  const desk = await Desk.open();
  await desk.prepare("yes:1:1");
  await desk.prepare("no:1:1");
  desk.answers.set("yes:1:1", { kind: "decided", decision: "commit", epoch: 5, ended: true });
  desk.answers.set("no:1:1", { kind: "decided", decision: "abort", epoch: 6, ended: false });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("yes:1:1"), "committed, forgotten");
  assert.equal(await desk.state("no:1:1"), "aborted");
  const account = await desk.account();
  assert.deepEqual([account?.available, account?.held, account?.spent], [7, 0, 3]);
});

test("P5, P6 an answer of a lower epoch than the branch has seen is fenced off like a command", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1", { epoch: 9 });
  desk.answers.set("t:1:1", { kind: "decided", decision: "abort", epoch: 8, ended: true });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "prepared");
});

test("P2 a decision that contradicts what was carried out raises an alarm and changes nothing", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  const commit = desk.command("t:1:1", { verb: "commit" });
  await desk.clock.until(desk.participant.handle(encodeCommands([commit])));
  desk.answers.set("t:1:1", { kind: "decided", decision: "abort", epoch: 5, ended: true });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "committed");
  assert.ok(desk.observed.some((seen) => seen.type === "AlarmRaised" && seen.code === "conflict"));
});

test("R6 a question that cannot be asked, or whose origin cannot be read, keeps nobody else from asking", async () => {
  const desk = await Desk.open();
  await desk.prepare("broken:1:1");
  await desk.prepare("unreadable:1:1", { origin: "{" });
  await desk.prepare("t:1:1");
  desk.answers.set("t:1:1", { kind: "decided", decision: "commit", epoch: 5, ended: false });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "committed");
  assert.equal(desk.observed.filter(({ type }) => type === "BackgroundWorkFailed").length, 2);
});

test("R7 sweeps of participants that started together are staggered", async () => {
  const delays = await Promise.all(
    [1, 2, 3, 4].map(async (seed) => {
      const clock = new VirtualClock();
      let sweptAt: number | undefined;
      const store = {
        apply: () => Promise.resolve([]),
        sweep: () => {
          sweptAt ??= clock.monotonic();
          return Promise.resolve({ questions: [], more: false });
        },
      };
      const questions = { ask: () => Promise.resolve(undefined) };
      new Participant({ store, questions, clock, random: new SeededRandom(seed) }).start();
      await clock.advance(2 * sweepEveryMs);
      return sweptAt ?? Number.NaN;
    }),
  );
  assert.ok(
    delays.every((delay) => delay >= sweepEveryMs / 2 && delay <= 1.5 * sweepEveryMs),
    delays.join(),
  );
  assert.equal(new Set(delays).size, delays.length);
});

test("P6 a decision about a saga completes or compensates it", async () => {
  const desk = await Desk.open();
  for (const [txId, decision] of [
    ["yes:1:1", "commit"],
    ["no:1:1", "abort"],
  ] as const) {
    const execute = desk.command(txId, { verb: "execute", protocol: "saga" });
    await desk.clock.until(desk.participant.handle(encodeCommands([execute])));
    desk.answers.set(txId, { kind: "decided", decision, epoch: 5, ended: true });
  }
  assert.equal((await desk.account())?.spent, 6);
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("yes:1:1"), "completed, forgotten");
  assert.equal(await desk.state("no:1:1"), "compensated, forgotten");
  assert.equal((await desk.account())?.spent, 3);
});

test("P6 what was carried out goes on asking until everything has ended, and then no more", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  desk.answers.set("t:1:1", { kind: "decided", decision: "commit", epoch: 5, ended: false });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "committed");
  desk.answers.set("t:1:1", { kind: "decided", decision: "commit", epoch: 5, ended: true });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "committed, forgotten");
  assert.equal(desk.asked.length, 2);
  await desk.clock.advance(10 * askAfterMs);
  assert.equal(desk.asked.length, 2);
  assert.equal((await desk.account())?.spent, 3, "carried out once");
});

test("P6 a decision that could not be carried out is not forgotten, is no alarm, and is asked for again", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  // The account loses its hold and keeps its generation: releasing the hold would break it, so the step fails.
  await desk.clock.until(
    desk.branches.run(ledgerOperations.openAccount, { accountId: "a", generation: "1", details: null }),
  );
  desk.answers.set("t:1:1", { kind: "decided", decision: "abort", epoch: 5, ended: true });
  await desk.clock.advance(askedByMs);
  assert.equal(await desk.state("t:1:1"), "prepared");
  await desk.clock.advance(askedByMs);
  assert.deepEqual(desk.asked, ["t:1:1", "t:1:1"]);
  assert.deepEqual(
    desk.observed.map(({ type }) => type),
    ["HandlerFailed", "HandlerFailed"],
  );
});

test("R6 a question that nobody answers delays none of the others", async () => {
  const desk = await Desk.open();
  const { clock, branches } = desk;
  const asked: string[] = [];
  const slow = new Participant({
    store: branches.store,
    questions: {
      ask: (coordinator, { txId }, waitMs) => {
        asked.push(`${coordinator} ${txId}`);
        const answer: QuestionAnswer = { kind: "decided", decision: "commit", epoch: 5, ended: true };
        if (txId !== "silent:1:1") return Promise.resolve(answer);
        return new Promise((resolve) => void clock.after(waitMs, () => resolve(undefined)));
      },
    },
    clock,
    random: new SeededRandom(1),
  });
  desk.participant.stop();
  for (const txId of ["silent:1:1", "t:1:1"]) await desk.prepare(txId);
  await clock.advance(askAfterMs + 1);
  const swept = slow.sweep();
  await clock.advance(1);
  assert.deepEqual(asked, ["order silent:1:1", "order t:1:1"]);
  assert.equal(await desk.state("t:1:1"), "committed, forgotten");
  await clock.until(swept, defaultLimits.replyWaitMs);
  assert.equal(await desk.state("silent:1:1"), "prepared");
});

test("R7 one sweep asks about everything that is due, however much that is, and each once", async () => {
  const desk = await Desk.open();
  const { clock, branches, participant } = desk;
  const count = participantSweepMax + 1;
  await clock.until(branches.run(ledgerOperations.deposit, { accountId: "a", amount: count }));
  const payload = { entries: [["a", 1]] };
  const commands = Array.from({ length: count }, (_, index) => desk.command(`t${index}:1:1`, { payload }));
  await clock.until(participant.handle(encodeCommands(commands)));
  participant.stop();
  await clock.advance(askAfterMs + 1);
  const sweeping = new Participant({
    store: branches.store,
    questions: { ask: (_, { txId }) => Promise.resolve(void desk.asked.push(txId)) },
    clock,
    random: new SeededRandom(1),
  });
  await clock.until(sweeping.sweep());
  assert.equal(desk.asked.length, count);
  assert.equal(new Set(desk.asked).size, count);
});

test("R6 a failed sweep is reported, and the next one still runs", async () => {
  const desk = await Desk.open();
  const { clock, branches, observed } = desk;
  let sweeps = 0;
  const failingOnce = {
    ...branches.store,
    sweep: (limit: number) => {
      sweeps += 1;
      return sweeps === 1 ? Promise.reject(new Error("not now")) : branches.store.sweep(limit);
    },
  };
  const observer = { observe: (seen: Observation) => observed.push(seen) };
  const questions = { ask: () => Promise.resolve(undefined) };
  new Participant({ store: failingOnce, questions, clock, random: new SeededRandom(2), observer }).start();
  await clock.advance(3 * sweepEveryMs);
  assert.ok(sweeps >= 2, `${sweeps} sweeps`);
  assert.deepEqual(
    observed.map((seen) => (seen.type === "BackgroundWorkFailed" ? seen.work : seen.type)),
    ["sweep"],
  );
});

test("P6 one that was stopped asks nothing more", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  desk.participant.stop();
  await desk.clock.advance(10 * askAfterMs);
  assert.deepEqual(desk.asked, []);
  await desk.clock.until(desk.participant.sweep());
  assert.deepEqual(desk.asked, [], "even with a manual sweep");
});

test("M3 what is no message of commands is dropped whole, and the next message is answered", async () => {
  const desk = await Desk.open();
  const good = desk.command("t:1:1");
  const text = new TextEncoder();
  const bad: readonly Uint8Array[] = [
    new Uint8Array([0xff, 0xfe]),
    new Uint8Array(),
    text.encode("[]"),
    text.encode(JSON.stringify({ v: 2, commands: [good] })),
    text.encode(JSON.stringify({ v: 1, commands: good })),
  ];
  for (const message of bad) assert.equal(await desk.participant.handle(message), undefined);
  assert.equal(desk.participant.undecodable, bad.length);
  assert.equal(await desk.state("t:1:1"), undefined, "nothing of them was carried out");
  await desk.prepare("t:1:1");
});

test("M4 one bad command of a message is answered by itself, and spoils none of those it came with", async () => {
  const desk = await Desk.open();
  const good = desk.command("t:1:1");
  const items = [good, { ...good, txId: "t:2:1", epoch: 2 ** 53 }, "a command", { ...good, txId: "t:3:1" }];
  const message = new TextEncoder().encode(JSON.stringify({ v: 1, commands: items }));
  const reply = await desk.clock.until(desk.participant.handle(message));
  const bad = { kind: "unknown", reason: "undecodable_message" };
  const done = { kind: "done", state: "prepared" };
  assert.deepEqual(decodeAnswers(reply ?? new Uint8Array()), [done, bad, bad, done]);
  assert.equal(desk.participant.undecodable, 2);
  assert.equal(await desk.state("t:3:1"), "prepared");
});

test("M3 a command too far ahead of the store changes nothing, and its branch can still be taken over", async () => {
  const desk = await Desk.open();
  await desk.prepare("t:1:1");
  const forged = desk.command("t:1:1", { verb: "query-or-prevent", epoch: Number.MAX_SAFE_INTEGER });
  const reply = await desk.clock.until(desk.participant.handle(encodeCommands([forged])));
  assert.deepEqual(decodeAnswers(reply ?? new Uint8Array()), [{ kind: "unknown", reason: "too_far_ahead" }]);
  const taken = desk.command("t:1:1", { verb: "abort", epoch: desk.clock.now() });
  const released = await desk.clock.until(desk.participant.handle(encodeCommands([taken])));
  assert.deepEqual(decodeAnswers(released ?? new Uint8Array()), [{ kind: "done", state: "aborted" }]);
  assert.equal((await desk.account())?.held, 0);
});

// R5: no record is never "abort". The log loses its last writes; the branches know what is missing, and ask.
import { encodeQuestions, decoded, decodeQuestionAnswers, type Question } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { services, trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const protocols = ["2pc", "saga"] as const;
const two: Trip = { hotel: "h", rooms: 2, flight: "f", seats: 3 };
const keyOfTwo = new Map([["k", two]]);
/** Questions are asked after 60 s and swept every few seconds; both services take turns. */
const askedByThenMs = 200_000;

const start = (orchestrator: Orchestrator, key = "k"): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...two } });

/** A committed and reported transaction whose phase 2 reached only the given services. */
async function reportedCommit(
  protocol: "2pc" | "saga",
  reached: readonly string[],
  forgets = false,
): Promise<{ world: World; commits: number }> {
  const world = await World.with({ rooms: 9, seats: 9 });
  const commits = world.commits;
  const { orchestrator, process } = world.boot({ protocol });
  world.network.commandFate = ({ verb, service }) => {
    if (verb === "forget") return forgets ? delivered : lost;
    return (verb === "commit" || verb === "complete") && !reached.includes(service) ? lost : delivered;
  };
  assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
  await world.clock.advance(50);
  process.die();
  world.network.commandFate = () => delivered;
  return { world, commits };
}

async function repeatAfterLoss(
  world: World,
  { commits, protocol }: { commits: number; protocol: "2pc" | "saga" },
): Promise<void> {
  world.loseLogAfter(commits);
  const { orchestrator } = world.boot({ protocol });
  await world.clock.until(orchestrator.start());
  const again = await world.clock.until(start(orchestrator));
  assert.equal(again.kind, "committed");
  await world.clock.advance(1_000);
  await checkMoney(world, keyOfTwo);
}

for (const protocol of protocols) {
  for (const reached of [[], ["hotels"], ["hotels", "flights"]]) {
    const branches = `${reached.length} branches reached`;
    test(`T1, T3, T4 ${protocol}: begin and decision lost, ${branches}: ends as reported`, async () => {
      const { world, commits } = await reportedCommit(protocol, reached);
      world.loseLogAfter(commits);
      assert.equal(await world.row("k"), undefined, "the row was created with the transaction, and is lost with it");
      await world.clock.until(world.boot().orchestrator.start());
      for (const service of services) world.participant(service).start();
      await world.clock.advance(askedByThenMs);
      const row = await world.row("k");
      assert.equal(row?.outcome, "committed", "S5");
      await checkMoney(world, keyOfTwo);
    });

    test(`T3 ${protocol}: begin and decision lost, ${branches}: a repeat resumes, no second charge`, async () => {
      const { world, commits } = await reportedCommit(protocol, reached);
      await repeatAfterLoss(world, { commits, protocol });
    });
  }

  test(`T3, P7 ${protocol}: all of it lost after the branches forgot: a repeat resumes, no second charge`, async () => {
    const { world, commits } = await reportedCommit(protocol, ["hotels", "flights"], true);
    assert.deepEqual(await world.active(), []);
    assert.equal((await world.branch("hotels", txIdOf(world)))?.forgotten, true);
    await repeatAfterLoss(world, { commits, protocol });
  });

  test(`C6 ${protocol}: all of it lost, and a repeat meets silence: it waits for the truth`, async () => {
    const { world, commits } = await reportedCommit(protocol, ["hotels", "flights"], true);
    world.loseLogAfter(commits);
    world.network.commandFate = () => lost;
    const { orchestrator } = world.boot({ protocol, logMayLoseTail: true });
    await world.clock.until(orchestrator.start());
    assert.equal((await world.clock.until(start(orchestrator))).kind, "pending", "silence decides nothing");
    world.network.commandFate = () => delivered;
    await world.clock.advance(120_000);
    assert.equal((await world.row("k"))?.outcome, "committed", "S5");
    await checkMoney(world, keyOfTwo);
  });

  test(`R5 ${protocol}: a failed attempt and a successful one lost together: the reported success stays`, async () => {
    const world = await World.with({ rooms: 9, seats: 1 });
    const { commits } = world;
    const first = world.boot({ protocol, logMayLoseTail: true });
    assert.equal((await world.clock.until(start(first.orchestrator))).kind, "aborted");
    await world.clock.advance(1_000);
    await world.deposit("flights", "f", 8);
    assert.equal((await world.clock.until(start(first.orchestrator))).kind, "committed");
    await world.clock.advance(1_000);
    assert.deepEqual(await world.active(), [], "everything has ended");
    first.process.die();
    world.loseLogAfter(commits);
    const { orchestrator } = world.boot({ protocol, logMayLoseTail: true });
    assert.equal((await world.clock.until(start(orchestrator))).kind, "aborted", "the first attempt's second life");
    for (const service of services) world.participant(service).start();
    await world.clock.advance(askedByThenMs);
    assert.equal((await world.row("k"))?.outcome, "committed", "S5");
    await checkMoney(world, keyOfTwo);
  });

  test(`T1 ${protocol}: the decision alone is lost: R3 finds every yes and commits`, async () => {
    const { world, commits } = await reportedCommit(protocol, ["hotels"]);
    world.loseLogAfter(commits + 1);
    assert.equal((await world.row("k"))?.outcome, "pending");
    await world.clock.until(world.boot().orchestrator.start());
    await world.clock.advance(1_000);
    assert.equal((await world.row("k"))?.outcome, "committed");
    await checkMoney(world, keyOfTwo);
  });

  test(`C6 ${protocol}: the decision is lost and a branch is silent: it waits, parked and visible`, async () => {
    const { world, commits } = await reportedCommit(protocol, []);
    world.loseLogAfter(commits + 1);
    world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
    await world.clock.until(world.boot().orchestrator.start());
    await world.clock.advance(300_000);
    const [record] = await world.active();
    assert.deepEqual([record?.state, record?.parked?.reason], ["active", "no_answer_from_flights"]);
    world.network.commandFate = () => delivered;
    await world.clock.advance(61_000);
    assert.equal((await world.row("k"))?.outcome, "committed", "S5");
    await checkMoney(world, keyOfTwo);
  });

  test(`R5 ${protocol}: a record lost before anybody voted no is prevented where it was never heard of`, async () => {
    const world = await World.with({ rooms: 9, seats: 9 });
    const { commits } = world;
    const first = world.boot({ protocol });
    world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
    void start(first.orchestrator);
    await world.clock.advance(100);
    first.process.die();
    world.network.commandFate = () => delivered;
    world.loseLogAfter(commits);
    await world.clock.until(world.boot().orchestrator.start());
    world.participant("hotels").start();
    await world.clock.advance(askedByThenMs);
    assert.equal((await world.row("k"))?.outcome, "aborted");
    assert.equal(
      (await world.branch("flights", (await world.active())[0]?.txId ?? txIdOf(world)))?.state.slice(0, 3),
      protocol === "saga" ? "com" : "abo",
    );
    await checkMoney(world, keyOfTwo);
  });
}

function txIdOf(world: World): string {
  return world.network.sent[0]?.txId ?? "";
}

/** The question that the branch of the hotels would ask. */
async function question(world: World): Promise<Question> {
  const branch = await world.branch("hotels", txIdOf(world));
  assert.ok(branch?.origin !== undefined);
  const { txId, branchId, protocol, epoch, begunAt, origin } = branch;
  return { txId, branchId, protocol, epoch, begunAt, origin };
}

test("R5, T8 a rebuilt record is undecided, of this owner, with an epoch above the asker's", async () => {
  const { world, commits } = await reportedCommit("2pc", []);
  world.loseLogAfter(commits);
  world.network.commandFate = () => lost;
  const asked = { ...(await question(world)), epoch: world.clock.now() + 1_000_000 };
  const { orchestrator } = world.boot();
  const answer = await world.clock.until(orchestrator.answerQuestion(asked));
  assert.deepEqual(answer, { kind: "wait" }, "undecided is answered wait");
  const record = await world.record(asked.txId);
  assert.deepEqual([record?.state, record?.owner, record?.protocol], ["active", "trips-2", "2pc"]);
  assert.equal(record?.epoch, asked.epoch + 1);
  assert.deepEqual(record.input, { ...two });
  assert.equal((await world.row("k"))?.outcome, "pending", "the row is claimed again");
});

test("R5 many questions about one lost record rebuild it once", async () => {
  const { world, commits } = await reportedCommit("2pc", []);
  world.loseLogAfter(commits);
  const asked = await question(world);
  const { orchestrator } = world.boot();
  const answers = await world.clock.until(Promise.all([1, 2, 3].map(() => orchestrator.answerQuestion(asked))));
  assert.ok(answers.every(({ kind }) => kind === "wait"));
  assert.equal(orchestrator.load().live, 1);
  await world.clock.advance(1_000);
  await checkMoney(world, keyOfTwo);
});

test("R5 a question about a definition that is not known here waits, and nothing is created", async () => {
  const { world, commits } = await reportedCommit("2pc", []);
  world.loseLogAfter(commits);
  const asked = await question(world);
  const { orchestrator } = world.boot({ definitions: [] });
  assert.deepEqual(await world.clock.until(orchestrator.answerQuestion(asked)), { kind: "wait" });
  assert.equal(await world.record(asked.txId), undefined);
});

test("M4, R6 a question that cannot be answered spoils none of those it came with", async () => {
  const { world } = await reportedCommit("2pc", []);
  const good = await question(world);
  const { orchestrator } = world.boot();
  const bad = [
    { ...good, txId: "k:none:9", origin: "not an origin" },
    { ...good, txId: "no-attempt" },
    { ...good, txId: "other:x:1" },
  ];
  const largest = Number.MAX_SAFE_INTEGER;
  const forged = [
    { ...good, epoch: largest },
    { ...good, begunAt: largest },
    { ...good, txId: "k:none:1", origin: good.origin.replace(/"deadlineAt":\d+/, `"deadlineAt":${largest}`) },
    { ...good, txId: `${good.txId.slice(0, good.txId.lastIndexOf(":"))}:${largest}` },
  ];
  const malformed = new TextDecoder().decode(encodeQuestions([...bad, ...forged, good])).replace("[{", "[7,{");
  const message = new TextEncoder().encode(malformed);
  const reply = await world.clock.until(orchestrator.handleQuestions(message));
  const kinds = decodeQuestionAnswers(reply ?? new Uint8Array())
    .map(decoded)
    .map(({ kind }) => kind);
  assert.deepEqual(kinds, [...Array.from({ length: 8 }, () => "wait"), "decided"]);
  assert.equal((await world.row("k"))?.attempt, 1);
  assert.equal(await world.clock.until(orchestrator.handleQuestions(new Uint8Array([1, 2]))), undefined, "M3");
});

test("P6, T8 an answer carries the record's epoch, and says whether everything has ended", async () => {
  const { world } = await reportedCommit("2pc", []);
  const asked = await question(world);
  const { orchestrator } = world.boot();
  const before = await world.clock.until(orchestrator.answerQuestion(asked));
  assert.deepEqual(before, { kind: "decided", decision: "commit", epoch: asked.epoch, ended: false });
  await world.clock.until(orchestrator.start());
  await world.clock.advance(1_000);
  const after = await world.clock.until(orchestrator.answerQuestion(asked));
  assert.ok(after.kind === "decided" && after.ended && after.epoch > asked.epoch);
  const beyond = { ...asked, epoch: after.epoch + 9 };
  const last = await world.clock.until(orchestrator.answerQuestion(beyond));
  assert.equal(last.kind === "decided" && last.epoch, beyond.epoch, "what has ended is never fenced off");
});

test("R5 while the log may still lose an end, no `forget` is sent; afterwards a branch may forget", async () => {
  const { world } = await reportedCommit("2pc", []);
  const asked = await question(world);
  const { orchestrator } = world.boot({ logMayLoseTail: true });
  await world.clock.until(orchestrator.start());
  await world.clock.advance(1_000);
  assert.deepEqual(await world.active(), [], "it has ended");
  const isEnded = async (): Promise<boolean> => {
    const answer = await world.clock.until(orchestrator.answerQuestion(asked));
    assert.ok(answer.kind === "decided" && answer.decision === "commit");
    return answer.ended;
  };
  assert.equal(await isEnded(), false);
  await world.clock.advance(world.limits.lossWindowMs + world.limits.clockSkewMs);
  assert.equal(await isEnded(), true);
});

// What keeps a caller out, what a faulty definition or participant can do, and how an orchestrator stops.
import { type Answer, encodeAnswers } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { services, trip, type Trip, tripSchema, World } from "../../test-kit/world.ts";
import { defineTransaction } from "./definition.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };

const start = (orchestrator: Orchestrator, key = "k"): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

test("overload: a full queue is refused at once, nothing is claimed or sent", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ admission: { inFlightMax: 1, queueMax: 1 } });
  const [first, second] = [start(orchestrator, "k1"), start(orchestrator, "k2")];
  const asked = world.scriptedLog.calls.length;
  const refused = await start(orchestrator, "k3");
  assert.deepEqual(refused, { kind: "overloaded", retryAfterMs: 1_000 });
  assert.equal(world.scriptedLog.calls.length, asked, "a crowd costs the log nothing");
  assert.equal(await world.row("k3"), undefined);
  assert.deepEqual(
    [(await world.clock.until(first)).kind, (await world.clock.until(second)).kind].join(),
    "committed,committed",
  );
  assert.equal((await world.clock.until(start(orchestrator, "k3"))).kind, "committed", "every place was given back");
});

test("a queued caller waits no longer than a request may, and its place is handed on", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc", admission: { inFlightMax: 1, queueMax: 5 } });
  world.scriptedLog.answered = () => new Promise(() => undefined);
  const stuck = start(orchestrator, "stuck");
  const waiting = [start(orchestrator, "k1"), start(orchestrator, "k2")];
  const results = await world.clock.until(Promise.all([stuck, ...waiting]), world.limits.requestWaitMs);
  assert.deepEqual(results.map(({ kind }) => kind).join(), "pending,overloaded,overloaded");
  assert.deepEqual([await world.row("k1"), await world.row("k2")], [undefined, undefined]);
  assert.deepEqual([orchestrator.load().inFlight, orchestrator.load().queued], [0, 0]);
});

test("a failure is reported even if its caller has left", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot();
  let fail: () => void = () => assert.fail("nothing was begun");
  world.scriptedLog.answered = () => new Promise((_, reject) => (fail = () => reject(new Error("too late"))));
  assert.equal((await world.clock.until(start(orchestrator))).kind, "pending");
  assert.deepEqual(world.seen("BackgroundWorkFailed"), []);
  fail();
  await world.clock.advance(0);
  assert.equal(world.seen("BackgroundWorkFailed").length, 1);
});

/** Lets a service be silent to as many transactions as open its breaker. */
async function openBreaker(world: World, orchestrator: Orchestrator, service: string): Promise<void> {
  world.network.commandFate = (command) => (command.service === service ? lost : delivered);
  const keys = ["opener", "opener2", "opener3", "opener4", "opener5"];
  await world.clock.until(Promise.all(keys.map((key) => start(orchestrator, key))));
  assert.deepEqual(
    world.seen("BreakerChanged").map((seen) => seen.type === "BreakerChanged" && `${seen.service} ${seen.to}`),
    [`${service} open`],
  );
}

test("an open breaker refuses before anything is claimed, and lets a probe through after 30 s", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "auto" });
  await openBreaker(world, orchestrator, "flights");
  const refused = await world.clock.until(start(orchestrator));
  assert.deepEqual(refused, { kind: "service_unavailable", service: "flights", retryAfterMs: 1_000 });
  assert.equal(await world.row("k"), undefined);
  assert.equal(orchestrator.currentProtocol(), "2pc");
  world.network.commandFate = () => delivered;
  await world.clock.advance(60_000);
  assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
  assert.equal((await world.clock.until(start(orchestrator, "k2"))).kind, "committed");
});

test("S5 while a breaker is open, paid keys stay reported as paid, and running attempts stay pending", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const first = await world.clock.until(start(orchestrator, "paid"));
  assert.equal(first.kind, "committed");
  const conditional = { ...trip, onBegin: { expect: [{ field: "booked", is: false }] } };
  await openBreaker(world, orchestrator, "flights");
  const dying = world.boot();
  dying.process.dieAtPoint(1);
  void start(dying.orchestrator, "stuck");
  const sent = world.network.sent.length;
  const ask = (key: string, definition = trip, input = { ...one }): Promise<RunResult> =>
    world.clock.until(orchestrator.run(definition, { key, input }));
  const paid = { ...first, repeated: true };
  assert.deepEqual(await ask("paid"), paid);
  assert.deepEqual(await ask("paid", conditional), paid, "whatever an attempt would need to begin");
  assert.equal((await ask("paid", trip, { ...one, rooms: 2 })).kind, "unmet", "another request hears no outcome");
  assert.deepEqual(await ask("stuck"), { kind: "pending", retryAfterMs: 1_000 });
  for (const key of ["opener", "fresh"]) assert.equal((await ask(key)).kind, "service_unavailable", key);
  assert.equal(
    (await world.clock.until(orchestrator.run(trip, { key: "fresh", fromRow: true }))).kind,
    "service_unavailable",
  );
  assert.equal(await world.row("fresh"), undefined);
  assert.deepEqual([(await world.row("opener"))?.attempt, (await world.row("opener"))?.outcome], [1, "aborted"]);
  assert.equal(world.network.sent.length, sent, "nothing was sent");
});

test("S5 while a breaker is open and the log does not answer, nothing is said of the outcome", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  await openBreaker(world, orchestrator, "flights");
  for (const fault of ["not_written", "reply_lost", "refused"] as const) {
    world.scriptedLog.failNext("peek", fault);
    const result = await world.clock.until(start(orchestrator, "k"));
    assert.deepEqual(result, { kind: "store_unavailable", retryAfterMs: 1_000 }, "a look begins nothing");
  }
});

test("a breaker that silent decisions opened lets a probe through as soon as one of them is carried out", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service, verb }) => (service === "flights" && verb === "commit" ? lost : delivered);
  const keys = ["k1", "k2", "k3", "k4", "k5"];
  const results = await world.clock.until(Promise.all(keys.map((key) => start(orchestrator, key))));
  assert.ok(results.every(({ kind }) => kind === "committed"));
  await world.clock.advance(world.limits.replyWaitMs + 1);
  assert.equal((await world.clock.until(start(orchestrator, "early"))).kind, "service_unavailable");
  world.network.commandFate = () => delivered;
  await world.clock.advance(1_000);
  assert.equal((await world.clock.until(start(orchestrator, "soon"))).kind, "committed", "long before 30 s are over");
});

test("an inconclusive probe returns its permit: for a repeat, an absent and an unmet row", async () => {
  // Parked at once and retried never: nothing in the background closes the breaker but the probes themselves.
  const limits = { replyWaitMs: 500, parkAfterAttempts: 1, parkedRetryMs: 1_000_000_000 };
  const world = await World.with({ rooms: 9, seats: 9 }, { limits });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  assert.equal((await world.clock.until(start(orchestrator, "done"))).kind, "committed");
  await world.clock.advance(1_000);
  await openBreaker(world, orchestrator, "flights");
  world.network.commandFate = () => delivered;
  await world.clock.advance(31_000);
  const other = { ...one, rooms: 2 };
  const kinds: string[] = [];
  for (const request of [
    { key: "done", input: { ...one } },
    { key: "absent", fromRow: true as const },
    { key: "done", input: other },
  ]) {
    kinds.push((await world.clock.until(orchestrator.run(trip, request))).kind);
  }
  assert.deepEqual(kinds, ["committed", "absent", "unmet"], "each of them was the probe");
  assert.equal((await world.clock.until(start(orchestrator))).kind, "committed");
  const changes = world.seen("BreakerChanged").map((seen) => seen.type === "BreakerChanged" && seen.to);
  assert.deepEqual(changes.at(-1), "closed");
});

test("a business refusal is an answer: any number of them opens no breaker", async () => {
  const world = await World.with({ rooms: 9, seats: 0 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  for (let index = 0; index < 8; index += 1) {
    assert.equal((await world.clock.until(start(orchestrator, `k${index}`))).kind, "aborted");
  }
  assert.deepEqual(world.seen("BreakerChanged"), []);
});

test("a failing builder is reported as a failure, with nothing sent and nothing left open", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const payload = (): never => {
    throw new Error("a bug of the definition");
  };
  const broken = defineTransaction<Trip>({
    name: "broken",
    input: tripSchema,
    steps: { rooms: { service: "hotels", payload } },
  });
  const { orchestrator } = world.boot({ definitions: [broken] });
  const result = await world.clock.until(orchestrator.run(broken, { key: "k", input: { ...one } }));
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "definition_failed"]);
  assert.deepEqual(world.network.sent, []);
  assert.deepEqual(await world.active(), []);
});

test("R5 a row of an incarnation that names no attempt is not claimed", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  await world.clock.until(world.store.rows.putRow("k", "life:1", { ...one }));
  const { orchestrator } = world.boot();
  assert.equal(
    (await world.clock.until(orchestrator.run(trip, { key: "k", fromRow: true }))).kind,
    "store_unavailable",
  );
  assert.equal(world.seen("BackgroundWorkFailed").length, 1, "and the reason is reported");
  assert.equal((await world.row("k"))?.outcome, "none");
});

test("an input without any branch commits at once, and leaves nothing open", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const idle = defineTransaction<Trip>({
    name: "idle",
    input: tripSchema,
    steps: { rooms: { service: "hotels", payload: () => undefined } },
  });
  const { orchestrator } = world.boot({ definitions: [idle] });
  const result = await world.clock.until(orchestrator.run(idle, { key: "k", input: { ...one } }), 100);
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "no_branches"]);
  assert.deepEqual(await world.active(), []);
});

const chained = defineTransaction<Trip>({
  name: "chained",
  input: tripSchema,
  steps: {
    rooms: { service: "hotels", payload: ({ rooms }) => ({ entries: [["h", rooms]] }) },
    seats: { service: "flights", after: ["rooms"], payload: ({ seats }) => ({ entries: [["f", seats]] }) },
  },
});

test("`after`: a later step is asked only after the earlier voted yes, and undone before it (saga)", async () => {
  const world = await World.with({ rooms: 9, seats: 0 });
  const { orchestrator } = world.boot({ definitions: [chained], protocol: "saga" });
  await world.clock.until(orchestrator.run(chained, { key: "k", input: { ...one } }));
  assert.deepEqual(world.network.verbs(), ["hotels execute", "flights execute", "hotels compensate"]);
  assert.deepEqual((await world.account("hotels", "h")).spent, 0);
});

test("`after`: a refusal of the earlier step means that the later is never asked", async () => {
  const world = await World.with({ rooms: 0, seats: 9 });
  const { orchestrator } = world.boot({ definitions: [chained], protocol: "saga" });
  const result = await world.clock.until(orchestrator.run(chained, { key: "k", input: { ...one } }));
  assert.equal("reason" in result && result.reason, "sold_out");
  assert.deepEqual(world.network.verbs("execute"), ["hotels execute"]);
});

for (const answer of [
  { kind: "conflict", state: "prepared" },
  { kind: "forgotten" },
  { kind: "hazard", reason: "x" },
]) {
  test(`R6 a participant that answers nonsense (${answer.kind}) harms nobody but its own transaction`, async () => {
    const world = await World.with({ rooms: 9, seats: 9 });
    const { orchestrator } = world.boot({ protocol: "2pc" });
    const honest = world.participant("flights");
    let nonsense = true;
    world.network.participants.set("flights", async (message) =>
      nonsense ? encodeAnswers([answer as Answer]) : honest.handle(message),
    );
    const first = start(orchestrator, "k1");
    await world.clock.advance(1_000);
    const alarms = world.seen("AlarmRaised").map((seen) => seen.type === "AlarmRaised" && seen.code);
    assert.ok(alarms.length > 0 && alarms.every((code) => code === "unexpected_answer"), alarms.join());
    nonsense = false;
    assert.equal((await world.clock.until(first)).kind, "committed");
    assert.equal((await world.clock.until(start(orchestrator, "k2"))).kind, "committed");
  });
}

test("stop waits for what is in flight, lets nothing new in, and leaves the rest to the next process", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  const quick = start(orchestrator, "quick");
  await world.clock.advance(1);
  await world.clock.until(orchestrator.stop(5_000));
  assert.equal((await quick).kind, "committed");
  assert.equal((await start(orchestrator, "late")).kind, "overloaded");
  assert.equal(await world.row("late"), undefined);
});

test("stop gives up after its bound; the caller hears pending, and the next process ends it", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  const slow = start(orchestrator);
  await world.clock.advance(100);
  await world.clock.until(orchestrator.stop(1_000), 1_000);
  assert.equal((await world.clock.until(slow, 1_000)).kind, "pending");
  const sent = world.network.sent.length;
  await world.clock.advance(60_000);
  assert.equal(world.network.sent.length, sent, "a stopped orchestrator sends nothing");
  world.network.commandFate = () => delivered;
  const next = world.boot().orchestrator;
  await world.clock.until(next.start());
  await world.clock.advance(60_000);
  await checkMoney(world, new Map([["k", one]]));
});

for (const held of ["begin", "takeOver"] as const) {
  test(`nothing is driven by a process that stopped while its ${held} was under way`, async () => {
    const world = await World.with({ rooms: 9, seats: 9 });
    const before = world.boot();
    if (held === "takeOver") {
      void start(before.orchestrator);
      before.process.dieAtPoint(2);
      await world.clock.advance(10);
    }
    const { orchestrator } = world.boot();
    let release: () => void = () => undefined;
    world.scriptedLog.answered = (method) =>
      method === held ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    void (held === "begin" ? start(orchestrator) : orchestrator.start());
    await world.clock.advance(10);
    await world.clock.until(orchestrator.stop(10));
    const sent = world.network.sent.length;
    release();
    await world.clock.advance(30_000);
    assert.equal(world.network.sent.length, sent);
    assert.equal(orchestrator.load().live, 0);
  });
}

test("a question that is asked after the stop gets no driver here, and waits for the next process (R5)", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const before = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  const { commits } = world;
  void start(before.orchestrator);
  await world.clock.advance(100);
  before.process.die();
  world.loseLogAfter(commits);
  const stopped = world.boot().orchestrator;
  await world.clock.until(stopped.stop(0));
  const sent = world.network.sent.length;
  await world.clock.advance(world.limits.askAfterMs + 1_000);
  await world.clock.until(world.participant("hotels").sweep());
  await world.clock.advance(10_000);
  assert.equal(world.network.asked.length, 1);
  assert.deepEqual([stopped.load().live, world.network.sent.length], [0, sent]);
  world.network.commandFate = () => delivered;
  await world.clock.until(world.boot().orchestrator.start());
  await world.clock.advance(world.limits.askAfterMs);
  await world.clock.until(world.participant("hotels").sweep());
  await world.clock.advance(1_000);
  await checkMoney(world, new Map([["k", one]]));
});

test("who waits for a failed attempt to release begins no other when the process stops meanwhile", async () => {
  const world = await World.with({ rooms: 1, seats: 0 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ verb }) => (verb === "abort" ? lost : delivered);
  const first = start(orchestrator);
  await world.clock.advance(100);
  const waiting = start(orchestrator);
  await world.clock.advance(100);
  await world.clock.until(orchestrator.stop(0));
  assert.equal((await world.clock.until(waiting)).kind, "pending");
  await world.clock.until(first);
  assert.equal((await world.row("k"))?.attempt, 1);
});

test("R2 a begin that is answered when its record was taken over here gets no second driver", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  let answer: () => void = () => assert.fail("nothing was begun");
  world.scriptedLog.answered = (method) =>
    method === "begin" ? new Promise((resolve) => (answer = resolve)) : Promise.resolve();
  world.network.commandFate = () => lost;
  void start(orchestrator);
  await world.clock.advance(world.limits.phaseOneDeadlineMs + world.limits.takeoverGraceMs + 1_000);
  await world.clock.until(orchestrator.sweep());
  assert.equal(orchestrator.load().live, 1);
  answer();
  await world.clock.advance(0);
  assert.deepEqual(world.network.verbs("prepare"), []);
  assert.equal(world.seen("TransactionTakenOver").length, 1);
  await world.clock.until(orchestrator.stop(0));
  const sent = world.network.sent.length;
  await world.clock.advance(120_000);
  assert.equal(world.network.sent.length, sent, "a stopped orchestrator sends nothing");
});

test("the abort rate counts finished transactions, never those refused by a breaker", async () => {
  const world = await World.with({ rooms: 9, seats: 0 });
  const { orchestrator } = world.boot({ protocol: "auto" });
  await world.clock.until(start(orchestrator));
  assert.deepEqual([orchestrator.load().abortRate, orchestrator.currentProtocol()], [1, "2pc"]);
  await world.deposit("flights", "f", 9);
  await openBreaker(world, orchestrator, "flights");
  const rate = orchestrator.load().abortRate;
  for (let index = 0; index < 50; index += 1) await world.clock.until(start(orchestrator, `x${index}`));
  assert.equal(orchestrator.load().abortRate, rate);
  assert.equal(services.length, 2);
});

// Faults of another implementation that concern the orchestrator, and that no other test is about.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost, unanswered } from "../../test-kit/network.ts";
import { checkMoney } from "../../test-kit/verdict.ts";
import { services, trip, type Trip, World } from "../../test-kit/world.ts";
import type { Orchestrator } from "./orchestrator.ts";
import type { RunResult } from "./run-result.ts";
import { LeasedOwnership } from "./ownership.ts";

const one: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const keyOfOne = new Map([["k", one]]);
const hourMs = 3_600_000;

const start = (orchestrator: Orchestrator, key = "k"): Promise<RunResult> =>
  orchestrator.run(trip, { key, input: { ...one } });

test("a vote whose answer is lost is undone, although another branch refused at once", async () => {
  for (const protocol of ["2pc", "saga"] as const) {
    const world = await World.with({ rooms: 5, seats: 0 });
    const { orchestrator } = world.boot({ protocol });
    const isVote = (verb: string): boolean => verb === "prepare" || verb === "execute";
    world.network.commandFate = ({ service, verb }) => (service === "hotels" && isVote(verb) ? unanswered : delivered);
    assert.equal((await world.clock.until(start(orchestrator))).kind, "aborted");
    await world.clock.advance(60_000);
    assert.equal((await world.account("hotels", "h")).available, 5);
    await checkMoney(world, keyOfOne);
  }
});

test("a claim does not lapse while its transaction is stuck: hours later a repeat begins nothing", async () => {
  const world = await World.with({ rooms: 5, seats: 5 });
  const first = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  void start(first.orchestrator);
  await world.clock.advance(1_000);
  first.process.die();
  const { orchestrator } = world.boot({ protocol: "2pc", breaker: { failuresMax: Infinity, openMs: 1 } });
  await world.clock.until(orchestrator.start());
  await world.clock.advance(hourMs);
  assert.equal((await world.clock.until(start(orchestrator))).kind, "pending");
  assert.equal((await world.row("k"))?.attempt, 1);
  world.network.commandFate = () => delivered;
  await world.clock.advance(120_000);
  await checkMoney(world, keyOfOne);
});

test("records of transactions are removed eventually, in the log and at every branch", async () => {
  const world = await World.with({ rooms: 9, seats: 5 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  for (const service of services) world.participant(service).start();
  await world.clock.until(orchestrator.start());
  const kinds: string[] = [];
  for (let index = 0; index < 8; index += 1) {
    kinds.push((await world.clock.until(start(orchestrator, `k${index}`))).kind);
  }
  assert.deepEqual([kinds[0], kinds[7]], ["committed", "aborted"]);
  const attempts = [...new Set(world.network.sent.map(({ txId }) => txId))];
  const left = async (): Promise<number> => {
    let records = 0;
    for (const txId of attempts) {
      if ((await world.record(txId)) !== undefined) records += 1;
      for (const service of services) if ((await world.branch(service, txId)) !== null) records += 1;
    }
    return records;
  };
  assert.ok((await left()) >= 16);
  await world.clock.advance(12 * hourMs);
  assert.equal(await left(), 0);
  assert.equal((await world.clock.until(start(orchestrator, "k0"))).kind, "committed", "the outcome itself stays");
});

test("votes that are never answered open the breaker, although every abort is answered", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const { orchestrator } = world.boot({ protocol: "2pc" });
  world.network.commandFate = ({ service, verb }) => (service === "flights" && verb === "prepare" ? lost : delivered);
  const kinds: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    kinds.push((await world.clock.until(start(orchestrator, `k${index}`))).kind);
  }
  assert.deepEqual(kinds, [...Array.from({ length: 5 }, () => "aborted"), "service_unavailable"]);
});

test("the reported protocol is the one in use", async () => {
  for (const [protocol, verb] of [
    ["saga", "execute"],
    ["2pc", "prepare"],
    ["auto", "prepare"],
  ] as const) {
    const world = await World.with({ rooms: 9, seats: 9 });
    const { orchestrator } = world.boot({ protocol });
    assert.equal(orchestrator.currentProtocol(), verb === "execute" ? "saga" : "2pc");
    await world.clock.until(start(orchestrator));
    assert.deepEqual(world.network.verbs("execute", "prepare"), [`hotels ${verb}`, `flights ${verb}`]);
  }
});

test("a new instance does not touch the transactions of a live one, and takes over those of a dead one", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const leased = async (owner: string): Promise<{ owner: string; ownership: LeasedOwnership }> => {
    const { lease } = world.store;
    const ownership = new LeasedOwnership({ lease, owner, clock: world.clock, limits: world.limits });
    await world.clock.until(ownership.start());
    return { owner, ownership };
  };
  const lease = await leased("one");
  const first = world.boot({ ...lease, protocol: "2pc" });
  world.network.commandFate = ({ service }) => (service === "flights" ? lost : delivered);
  void start(first.orchestrator);
  await world.clock.advance(1_000);
  const second = world.boot({ ...(await leased("two")), protocol: "2pc" });
  await world.clock.until(second.orchestrator.start());
  await world.clock.advance(2_000);
  assert.deepEqual(world.seen("TransactionTakenOver"), []);
  first.process.die();
  await world.clock.until(lease.ownership.stop());
  await world.clock.until(second.orchestrator.sweep());
  assert.equal(world.seen("TransactionTakenOver").length, 1, "before its deadline");
  world.network.commandFate = () => delivered;
  await world.clock.advance(30_000);
  await checkMoney(world, keyOfOne);
});

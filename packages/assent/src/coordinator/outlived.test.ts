// R5, P7: a record that comes back when its transaction has long been over ends by itself, as its row says. Virtual
// time, real participants.
import { decodeOrigin, type Question } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { delivered, lost } from "../../test-kit/network.ts";
import { services, trip, type Trip, World } from "../../test-kit/world.ts";

const protocols = ["2pc", "saga"] as const;
const two: Trip = { hotel: "h", rooms: 2, flight: "f", seats: 2 };
const limits = { maxAgeMs: 600_000 };

/** A trip that has ended. The given services have not received `forget`. */
async function ended(protocol: "2pc" | "saga", deaf: readonly string[]): Promise<{ world: World; asked: Question }> {
  const world = await World.with({ rooms: 9, seats: 9 }, { limits });
  const { orchestrator, process } = world.boot({ protocol });
  world.network.commandFate = ({ verb, service }) => (verb === "forget" && deaf.includes(service) ? lost : delivered);
  const result = await world.clock.until(orchestrator.run(trip, { key: "k", input: { ...two } }));
  assert.ok(result.kind === "committed");
  await world.clock.advance(1_000);
  process.die();
  const sent = world.network.sent.find(({ origin }) => origin !== undefined);
  assert.ok(sent?.origin !== undefined && decodeOrigin(sent.origin).key === "k");
  const { txId, branchId, epoch, begunAt, origin } = sent;
  return { world, asked: { txId, branchId, protocol, epoch, begunAt, origin } };
}

/** Removes an outcome by its age alone, as the log of an earlier version did. */
async function removeOutcome(world: World): Promise<void> {
  await world.clock.advance(5 * limits.maxAgeMs);
  const { removable } = await world.clock.until(world.log.sweep(10));
  assert.equal(removable.length, 1);
  await world.clock.until(world.log.remove(removable.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }))));
}

async function sweepBranches(world: World): Promise<void> {
  for (const service of services) await world.clock.until(world.participant(service).sweep());
  await world.clock.advance(10_000);
}

for (const protocol of protocols) {
  for (const deaf of [["hotels"], ["hotels", "flights"], []]) {
    const left = `${deaf.length} of 2 branches are left`;
    test(`R5, P7 ${protocol}: a success that comes back when ${left} ends, and parks for nothing`, async () => {
      const { world, asked } = await ended(protocol, deaf);
      await removeOutcome(world);
      await sweepBranches(world);
      world.network.commandFate = () => delivered;
      const { orchestrator } = world.boot({ protocol });
      const answer = await world.clock.until(orchestrator.answerQuestion(asked));
      assert.equal(answer.kind === "decided" && answer.decision, "commit");
      await world.clock.advance(20_000);
      assert.deepEqual(await world.active(), []);
      assert.equal((await world.record(asked.txId))?.state, "committed");
      assert.deepEqual([world.seen("TransactionParked"), world.seen("AlarmRaised")], [[], []]);
      for (const service of services) {
        assert.notEqual((await world.branch(service, asked.txId))?.forgotten, false);
        const { held, spent } = await world.totals(service);
        assert.deepEqual([held, spent], [0, 2], "S2");
      }
    });
  }
}

test("R5 without a row, and with every branch expired, it ends as aborted and nothing is applied", async () => {
  const { world, asked } = await ended("2pc", []);
  await world.clock.advance(5 * limits.maxAgeMs);
  await sweepBranches(world);
  world.loseLogAfter(0);
  const before = await world.account("hotels", "h");
  const { orchestrator } = world.boot();
  assert.deepEqual(await world.clock.until(orchestrator.answerQuestion(asked)), { kind: "wait" });
  await world.clock.advance(20_000);
  assert.equal((await world.record(asked.txId))?.state, "aborted");
  assert.deepEqual(await world.account("hotels", "h"), before);
  assert.deepEqual([world.seen("TransactionParked"), world.seen("AlarmRaised")], [[], []]);
});

test("P7, T7 a commit that was never lost and finds its branch expired parks, with an alarm", async () => {
  const { world, asked } = await ended("2pc", []);
  await world.clock.advance(5 * limits.maxAgeMs);
  await sweepBranches(world);
  const record = await world.record(asked.txId);
  assert.ok(record !== undefined);
  world.loseLogAfter(0);
  await world.clock.until(world.log.rebuild({ ...record, state: "committing", owner: "dead" }));
  const { orchestrator } = world.boot();
  await world.clock.until(orchestrator.start());
  await world.clock.advance(1_000);
  assert.equal((await world.record(asked.txId))?.parked?.reason, "expired_in_phase_two");
});

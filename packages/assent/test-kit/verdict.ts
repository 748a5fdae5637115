// What must be true once faults have stopped and some time has passed.
import { decisionOf, isEnded, isForwardFinal } from "../src/protocol/index.ts";
import assert from "node:assert/strict";
import { type Service, services, type Trip, type World } from "./world.ts";

/** S1, S4, S6, S7 for the attempts at one key; answers how often it was charged. */
export async function checkKey(world: World, key: string): Promise<number> {
  const row = await world.row(key);
  if (row === undefined) return 0;
  let committed = 0;
  for (let attempt = 1; attempt <= row.attempt; attempt += 1) {
    const txId: string = `${key}:${row.incarnation}:${attempt}`;
    const record = await world.record(txId);
    assert.ok(record, `S4 the record of ${txId} is there`);
    assert.ok(isEnded(record), `S7 ${txId} has ended, it is ${record.state}`);
    const forward = decisionOf(record) === "commit";
    if (forward) committed += 1;
    for (const service of services) {
      const branch = await world.branch(service, txId);
      const branchForward = branch !== null && isForwardFinal(branch.state);
      assert.equal(branchForward, forward, `S1 ${service} of ${txId} is ${branch?.state}, the record ${record.state}`);
    }
  }
  assert.ok(committed <= 1, `S4 ${key} was committed ${committed} times`);
  assert.equal(row.outcome === "committed", committed === 1, `S4 the row of ${key} says ${row.outcome}`);
  assert.equal(row.fields["booked"] === true, committed === 1, `C4 the row of ${key} is changed with the commit`);
  return committed;
}

/** S2, S7 over everything: no hold remains, and what is spent is what the committed keys cost. */
export async function checkMoney(world: World, keys: ReadonlyMap<string, Trip>): Promise<void> {
  const spent: Record<Service, number> = { hotels: 0, flights: 0 };
  for (const [key, { rooms, seats }] of keys) {
    const charged = await checkKey(world, key);
    spent.hotels += charged * rooms;
    spent.flights += charged * seats;
  }
  assert.deepEqual(await world.active(), [], "S7 nothing is unfinished");
  for (const service of services) {
    const { available, held, spent: taken, deposited, withdrawn } = await world.totals(service);
    assert.equal(held, 0, `S7 no hold remains in ${service}`);
    assert.equal(deposited, available + held + taken + withdrawn, `S2 ${service} is conserved`);
    assert.equal(taken, spent[service], `S2 ${service} has spent what was committed`);
  }
}

import { TestClock } from "@assent/conformance";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gathering } from "./gathering.ts";

interface Bench {
  readonly clock: TestClock;
  readonly gathering: Gathering<string>;
  readonly sent: readonly (readonly string[])[];
  /** Ends the turn of the event loop. */
  readonly turn: () => void;
  /** Times that the end of a turn has been waited for. */
  readonly turns: () => number;
}

const companyWaitMs = 20;
const waits = { mayWait: true };
const leaves = { mayWait: false };

function bench(waitMs = companyWaitMs): Bench {
  const clock = new TestClock();
  const sent: (readonly string[])[] = [];
  const scheduled: (() => void)[] = [];
  let turns = 0;
  const gathering = new Gathering<string>({
    send: (items) => void sent.push(items),
    schedule(callback) {
      turns += 1;
      scheduled.push(callback);
    },
    clock,
    companyWaitMs: waitMs,
  });
  const turn = (): void => {
    for (const callback of scheduled.splice(0)) callback();
  };
  return { clock, gathering, sent, turn, turns: () => turns };
}

test("what is added in one turn leaves as one, in order", () => {
  const { gathering, sent, turn, turns } = bench();
  for (const item of ["a", "b"]) gathering.add(item, leaves);
  gathering.add("c", waits);
  assert.deepEqual(sent, []);
  turn();
  turn();
  assert.deepEqual(sent, [["a", "b", "c"]]);
  assert.equal(turns(), 1);
});

test("a background item leaves with the next item that a caller waits for, and sets no timer", () => {
  const { clock, gathering, sent, turn } = bench();
  gathering.add("a", waits);
  gathering.add("b", waits);
  turn();
  clock.advance(companyWaitMs - 1);
  assert.deepEqual(sent, []);
  gathering.add("c", leaves);
  turn();
  assert.deepEqual(sent, [["a", "b", "c"]]);
  assert.equal(clock.pending, 0);
});

test("without company it leaves by itself, counted from the first of it", () => {
  const { clock, gathering, sent } = bench();
  gathering.add("a", waits);
  clock.advance(companyWaitMs - 5);
  gathering.add("b", waits);
  clock.advance(5);
  assert.deepEqual(sent, [["a", "b"]]);
  gathering.add("c", waits);
  clock.advance(companyWaitMs);
  assert.deepEqual(sent, [["a", "b"], ["c"]]);
});

test("without a wait everything leaves with its own turn", () => {
  const { clock, gathering, sent, turn } = bench(0);
  gathering.add("a", waits);
  turn();
  assert.deepEqual(sent, [["a"]]);
  assert.equal(clock.pending, 0);
});

test("draining sends what waits at once, and later additions with their turn", () => {
  const { clock, gathering, sent, turn } = bench();
  gathering.add("a", waits);
  gathering.drain();
  assert.deepEqual(sent, [["a"]]);
  gathering.add("b", waits);
  turn();
  gathering.drain();
  assert.deepEqual(sent, [["a"], ["b"]], "nothing is sent of nothing");
  assert.equal(clock.pending, 0);
});

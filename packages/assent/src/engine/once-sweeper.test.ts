import { bindOperations } from "./bound-operations.ts";
import { soon, TestClock, turn } from "@assent/conformance";
import { operation } from "../ports/index.ts";
import { MemoryEngine } from "../memory/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupCommitExecutor } from "./executor.ts";
import { EngineFull, type Writes } from "./keyed-engine.ts";
import { onceKeptMs, onceOperations } from "./once.ts";
import { OnceSweeper, onceSweepEveryMs, onceSweepMax } from "./once-sweeper.ts";

const note = operation("note", (_tables, at: number): number => at);
const operations = bindOperations({ ...onceOperations, note }, {});

const soonAfter = (callback: () => void): void => void turn().then(callback);

interface SweptStore {
  readonly clock: TestClock;
  readonly executor: GroupCommitExecutor;
  readonly sweeper: OnceSweeper;
  readonly reported: readonly unknown[];
  /** Stores this many results. */
  readonly fill: (count: number) => Promise<void>;
  /** Rows of results and of their index. */
  readonly left: () => number;
  /** Lets one sweep happen. */
  readonly swept: () => Promise<void>;
}

function sweptStore(engine = new MemoryEngine()): SweptStore {
  const clock = new TestClock();
  const executor = new GroupCommitExecutor({ engine, operations, now: clock.now, schedule: soonAfter });
  const reported: unknown[] = [];
  const sweeper = new OnceSweeper({ executor, clock, report: (error) => void reported.push(error) });
  sweeper.start();
  const fill = async (count: number): Promise<void> => {
    const keys = Array.from({ length: count }, (_, index) => `${clock.now()}/${index}`);
    await Promise.all(keys.map((key, index) => executor.runOnce({ key, fingerprint: 1 }, note, index)));
  };
  const left = (): number =>
    engine.scan("once", { limit: 100_000 }).length + engine.scan("once_due", { limit: 100_000 }).length;
  /** A sweep is over when the sweeper waits for the next one. */
  const swept = async (): Promise<void> => {
    clock.advance(onceSweepEveryMs);
    const isOver = async (): Promise<void> => {
      while (clock.pending === 0) await turn();
    };
    await soon(isOver(), "the sweep");
  };
  return { clock, fill, left, swept, reported, sweeper, executor };
}

test("R7 one sweep removes every result that is due, not one page of them", async () => {
  const { clock, fill, left, swept, reported } = sweptStore();
  await fill(2 * onceSweepMax + 500);
  clock.advance(onceKeptMs - onceSweepEveryMs);
  await swept();
  assert.equal(left(), 2 * (2 * onceSweepMax + 500), "nothing goes before its time");
  await fill(10);
  await swept();
  assert.equal(left(), 20, "what is not due stays");
  assert.deepEqual(reported, []);
});

test("R6 others get their turn between two pages", async () => {
  const { clock, fill, left, swept, executor } = sweptStore();
  await fill(3 * onceSweepMax);
  clock.advance(onceKeptMs - 1);
  const sweeping = swept();
  const heard: number[] = [];
  const isSwept = sweeping.then(() => true);
  while (!(await Promise.race([isSwept, executor.run(note, 1).then(() => false)]))) heard.push(left());
  assert.ok(
    heard.some((count) => count > 0 && count < 6 * onceSweepMax),
    String(heard),
  );
});

test("a sweep that fails is reported and the next one does its work; none follows a stop", async () => {
  let isFull = false;
  const engine = new (class extends MemoryEngine {
    override commit(writes: Writes): void {
      if (isFull) throw new EngineFull("no room");
      super.commit(writes);
    }
  })();
  const { clock, fill, left, swept, reported, sweeper } = sweptStore(engine);
  await fill(5);
  clock.advance(onceKeptMs);
  isFull = true;
  await swept();
  assert.match(String(reported), /no room/);
  assert.equal(left(), 10);
  isFull = false;
  await swept();
  assert.equal(left(), 0);
  sweeper.stop();
  assert.equal(clock.pending, 0);
});

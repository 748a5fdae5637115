import { bindOperations } from "assent/internal/engine";
import { operation, table } from "assent/internal/ports";
import { systemClock } from "assent/node";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import { storeTimeErrorMaxMs } from "./redis-limits.ts";
import { StoreTime } from "./store-time.ts";

test("P7 the estimate moves only as far as an answer proves it wrong", () => {
  let monotonic = 1_000;
  const time = new StoreTime({ monotonic: () => monotonic });
  time.observe(50_000.75, 1_000);
  assert.equal(time.now(), 50_000);
  monotonic = 1_100;
  assert.equal(time.now(), 50_100);
  // Sent at 1,000, answered at 1,100: the server's 50,060 may have been any time between.
  time.observe(50_060, 1_000);
  assert.equal(time.now(), 50_100);
  // Answered at once, so it is wrong by 40.
  time.observe(50_060, 1_100);
  assert.equal(time.now(), 50_060);
  time.observe(50_200, 1_100);
  assert.equal(time.now(), 50_200);
});

test("C2 the server's time is at least what it was when it answered", () => {
  let monotonic = 1_000;
  const time = new StoreTime({ monotonic: () => monotonic });
  time.observe(50_000, 600);
  assert.deepEqual([time.now(), time.atLeast()], [50_200, 50_000]);
  monotonic = 1_100;
  assert.deepEqual([time.now(), time.atLeast()], [50_300, 50_100]);
  time.observe(50_200, 1_000);
  assert.deepEqual([time.now(), time.atLeast()], [50_300, 50_200]);
});

test("P7 if rounds arrive late, the next ones get a later time", () => {
  let monotonic = 1_000;
  const time = new StoreTime({ monotonic: () => monotonic });
  time.observe(50_000, 1_000);
  assert.equal(time.atArrival(), 50_000);
  monotonic = 1_900;
  // Created at 1,000, executed at the server's 50,800, answered at 1,900.
  time.observe(50_800, 1_000);
  time.arrived(50_800, 1_000);
  assert.equal(time.now(), 50_900);
  assert.equal(time.atArrival(), 51_700);
  time.observe(50_950, 1_900);
  time.arrived(50_950, 1_900);
  assert.equal(time.atArrival(), time.now());
});

/** Far more than any stall of a machine. */
const hourMs = 3_600_000;

const server = await TestServer.start();
after(() => server.stop());

test("P7 a step whose time is off by more than the bound is refused, and run again with the right time", async () => {
  let aheadMs = 0;
  const times: number[] = [];
  const note = operation("note", (tables, _nothing: null, { now }): number => {
    times.push(now);
    tables.put(table<number>("a", "records"), "time", now);
    return now;
  });
  const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs };
  const store = await server.open({
    prefix: server.prefix(),
    clock,
    operations: bindOperations({ note }, {}),
  });
  const before = Date.now();
  for (const jump of [hourMs, -hourMs]) {
    // A stall of this machine also makes a time wrong; without one, the first try has the right time.
    for (let { late } = store.counts; ; { late } = store.counts) {
      await store.run(note, null);
      if (store.counts.late === late) break;
    }
    aheadMs += jump;
    const { late } = store.counts;
    const tries = times.length;
    const reported = await store.run(note, null);
    assert.ok(store.counts.late > late);
    const wrong = times[tries] ?? 0;
    assert.ok(Math.abs(wrong - reported) > hourMs / 2, "the first try had the wrong time");
    // The server's clock is this machine's.
    assert.ok(
      reported >= before - storeTimeErrorMaxMs && reported <= Date.now() + storeTimeErrorMaxMs,
      `got ${reported}`,
    );
  }
  await store.close();
});

// Waiting with a limit: results in time, time-outs, and leftovers of a time-out.
import { VirtualClock } from "../testing/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "./wait-for.ts";

test("a value that comes in time is the value, for all who wait, and for those who come later", async () => {
  const clock = new VirtualClock();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waits = [waitFor(clock, promise, 100), waitFor(clock, promise, 200)];
  await clock.advance(99);
  resolve("it");
  assert.deepEqual(await Promise.all(waits), ["it", "it"]);
  assert.equal(await waitFor(clock, promise, 0), "it");
});

test("a wait is over after its bound, and the others go on waiting", async () => {
  const clock = new VirtualClock();
  const { promise, resolve } = Promise.withResolvers<string>();
  const [short, long] = [waitFor(clock, promise, 100), waitFor(clock, promise, 200)];
  await clock.advance(100);
  assert.equal(await short, undefined);
  resolve("it");
  assert.equal(await long, "it");
});

test("a rejection passes through to those who wait, and is nobody's when they have gone", async () => {
  const clock = new VirtualClock();
  const { promise, reject } = Promise.withResolvers<string>();
  const [gone, waits] = [waitFor(clock, promise, 1), waitFor(clock, promise, 100)];
  await clock.advance(1);
  reject(new Error("broken"));
  assert.equal(await gone, undefined);
  await assert.rejects(waits, { message: "broken" });
});

test("a time-out leaves nothing behind", async (t) => {
  const clock = new VirtualClock();
  const { promise } = Promise.withResolvers<string>();
  const listening = t.mock.method(promise, "then");
  for (let times = 0; times < 100; times += 1) await clock.until(waitFor(clock, promise, 10));
  assert.equal(listening.mock.callCount(), 1);
});

// The breaker as a machine: five failures in a row, thirty seconds, one probe whose permit always comes back.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  breakerFailed,
  breakerReleased,
  type BreakerState,
  breakerSucceeded,
  closedBreaker,
  defaultBreakerLimits,
  enterBreaker,
} from "./breaker.ts";

const limits = defaultBreakerLimits;

function failed(times: number, now = 0): BreakerState {
  let state = closedBreaker;
  for (let index = 0; index < times; index += 1) state = breakerFailed(state, now, limits);
  return state;
}

test("four failures in a row leave it closed, the fifth opens it for thirty seconds", () => {
  assert.equal(failed(4).kind, "closed");
  assert.deepEqual(failed(5, 100), { kind: "open", until: 30_100 });
});

test("any success starts the count again", () => {
  const state = breakerFailed(breakerSucceeded(failed(4)), 0, limits);
  assert.deepEqual(state, { kind: "closed", failures: 1 });
});

test("while open it refuses, and refusing or failing again does not prolong it", () => {
  const open = failed(5);
  assert.deepEqual(enterBreaker(open, 29_999, limits), { state: open, permit: "refused" });
  assert.equal(breakerFailed(open, 20_000, limits), open);
});

test("after thirty seconds exactly one probe goes through", () => {
  const first = enterBreaker(failed(5), 30_000, limits);
  assert.equal(first.permit, "probe");
  assert.equal(enterBreaker(first.state, 30_000, limits).permit, "refused");
  assert.equal(enterBreaker(first.state, 59_999, limits).permit, "refused");
});

test("the probe's answer closes it, its silence opens it again, and giving it back lets the next one probe", () => {
  const { state } = enterBreaker(failed(5), 30_000, limits);
  assert.deepEqual(breakerSucceeded(state), closedBreaker);
  assert.deepEqual(breakerFailed(state, 31_000, limits), { kind: "open", until: 61_000 });
  assert.equal(enterBreaker(breakerReleased(state, 31_000), 31_000, limits).permit, "probe");
});

test("giving back what is not held changes nothing", () => {
  const open = failed(5);
  assert.equal(breakerReleased(open, 10), open);
  assert.equal(breakerReleased(closedBreaker, 10), closedBreaker);
  assert.equal(breakerReleased(failed(3), 10).kind, "closed");
});

test("a probe without a result does not block the breaker: its permit lapses", () => {
  const { state } = enterBreaker(failed(5), 30_000, limits);
  assert.equal(enterBreaker(state, 60_000, limits).permit, "probe");
});

test("whatever happens, after thirty quiet seconds a probe gets through", () => {
  const step = fc.record({ kind: fc.constantFrom("enter", "answer", "fail", "release"), waitMs: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let state = closedBreaker;
      let now = 0;
      for (const { kind, waitMs } of steps) {
        now += waitMs;
        if (kind === "enter") state = enterBreaker(state, now, limits).state;
        else if (kind === "answer") state = breakerSucceeded(state);
        else if (kind === "fail") state = breakerFailed(state, now, limits);
        else state = breakerReleased(state, now);
      }
      assert.notEqual(enterBreaker(state, now + limits.openMs, limits).permit, "refused");
    }),
  );
});

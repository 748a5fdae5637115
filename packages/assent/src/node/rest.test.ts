import { TestClock } from "@assent/conformance";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rest, restAfterMs, restWorkMax } from "./rest.ts";

/** What is at work, and how often it was found at rest. */
function watched(): { readonly clock: TestClock; readonly rest: Rest; work: number; rests: number } {
  const clock = new TestClock();
  const part = { clock, rests: 0, work: 0 };
  const rest = new Rest({ clock, work: () => part.work, onRest: () => void (part.rests += 1) });
  return Object.assign(part, { rest });
}

test("rest is noticed once after the start and once after each time of work", () => {
  const part = watched();
  part.rest.start();
  part.clock.advance(3 * restAfterMs);
  assert.equal(part.rests, 1, "after the start");
  for (let times = 2; times <= 4; times += 1) {
    part.work += restWorkMax + 1;
    part.clock.advance(restAfterMs);
    assert.equal(part.rests, times - 1, "it worked until just now");
    part.clock.advance(5 * restAfterMs);
    assert.equal(part.rests, times);
  }
});

test("a little work does not prevent a rest, and much work does", () => {
  const part = watched();
  part.rest.start();
  part.clock.advance(restAfterMs);
  for (let times = 0; times < 3; times += 1) {
    part.work += restWorkMax + 1;
    part.clock.advance(restAfterMs);
  }
  assert.equal(part.rests, 1, "it is at work");
  part.work += restWorkMax;
  part.clock.advance(restAfterMs);
  assert.equal(part.rests, 2, "it is at rest");
  part.work += restWorkMax;
  part.clock.advance(restAfterMs);
  assert.equal(part.rests, 2, "it has not worked since");
});

test("what was stopped is never found at rest", () => {
  const part = watched();
  part.rest.start();
  part.rest.stop();
  part.clock.advance(10 * restAfterMs);
  assert.equal(part.rests, 0);
  assert.equal(part.clock.pending, 0);
});

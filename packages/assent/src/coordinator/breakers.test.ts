// One breaker per service: a transaction gets the permits of all of its services, or holds none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../testing/index.ts";
import { defaultBreakerLimits } from "../protocol/breaker.ts";
import { Breakers } from "./breakers.ts";

interface Bench {
  readonly breakers: Breakers;
  readonly clock: VirtualClock;
  readonly changes: string[];
}

function bench(): Bench {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const observer = {
    observe: (seen: { type: string; service?: string; to?: string }) => changes.push(`${seen.service} ${seen.to}`),
  };
  return { breakers: new Breakers({ clock, observer, limits: defaultBreakerLimits }), clock, changes };
}

function silence(breakers: Breakers, service: string, times = 5): void {
  for (let index = 0; index < times; index += 1) breakers.wentUnanswered(service);
}

test("services are counted apart", () => {
  const { breakers } = bench();
  silence(breakers, "a", 4);
  silence(breakers, "b", 4);
  assert.equal(breakers.allClosed(), true);
  silence(breakers, "a", 1);
  assert.deepEqual(breakers.enter(["a"]), { cutOff: "a" });
  assert.deepEqual(breakers.enter(["b"]), { probes: [] });
  assert.equal(breakers.allClosed(), false);
});

test("two breakers that open seconds apart: one returns its probe when the other refuses", async () => {
  const { breakers, clock } = bench();
  silence(breakers, "a");
  await clock.advance(3_000);
  silence(breakers, "b");
  await clock.advance(28_000);
  assert.deepEqual(breakers.enter(["a", "b"]), { cutOff: "b" });
  assert.deepEqual(breakers.enter(["a"]), { probes: ["a"] }, "the permit of a was not kept");
  breakers.answered("a", "vote");
  await clock.advance(2_000);
  assert.deepEqual(breakers.enter(["a", "b"]), { probes: ["b"] });
});

test("a probe is one call's: others are refused until it is answered or given back", async () => {
  const { breakers, clock } = bench();
  silence(breakers, "a");
  await clock.advance(30_000);
  assert.deepEqual(breakers.enter(["a"]), { probes: ["a"] });
  assert.deepEqual(breakers.enter(["a"]), { cutOff: "a" });
  breakers.release(["a"]);
  assert.deepEqual(breakers.enter(["a"]), { probes: ["a"] });
  breakers.answered("a", "vote");
  assert.deepEqual(breakers.enter(["a"]), { probes: [] });
});

test("giving a permit back after the answer or the silence that used it changes nothing", async () => {
  const { breakers, clock } = bench();
  silence(breakers, "a");
  await clock.advance(30_000);
  breakers.enter(["a"]);
  breakers.wentUnanswered("a");
  breakers.release(["a"]);
  assert.deepEqual(breakers.enter(["a"]), { cutOff: "a" }, "the failed probe opened it for another thirty seconds");
  await clock.advance(30_000);
  breakers.enter(["a"]);
  breakers.answered("a", "vote");
  breakers.release(["a"]);
  assert.equal(breakers.state("a").kind, "closed");
});

test("reading never changes anything and takes no permit", async () => {
  const { breakers, clock, changes } = bench();
  silence(breakers, "a");
  await clock.advance(30_000);
  for (let index = 0; index < 3; index += 1) {
    assert.equal(breakers.allClosed(), false);
    assert.equal(breakers.state("a").kind, "open");
  }
  assert.deepEqual(changes, ["a open"]);
  assert.deepEqual(breakers.enter(["a"]), { probes: ["a"] });
});

test("changes of kind are observed, each once", async () => {
  const { breakers, clock, changes } = bench();
  silence(breakers, "a", 7);
  await clock.advance(30_000);
  breakers.enter(["a"]);
  breakers.answered("a", "vote");
  breakers.answered("a", "vote");
  assert.deepEqual(changes, ["a open", "a half-open", "a closed"]);
});

test("every silence counts: unanswered votes and unanswered decisions open the breaker together", () => {
  const { breakers } = bench();
  silence(breakers, "a", 3);
  breakers.answered("b", "vote");
  silence(breakers, "a", 2);
  assert.equal(breakers.state("a").kind, "open");
});

test("an unanswered decision of one branch is one failure; five at once open it, although votes are answered", () => {
  const { breakers } = bench();
  for (let times = 0; times < 100; times += 1) breakers.wentUndone("a", "t:1:1/b/0");
  assert.equal(breakers.state("a").kind, "closed");
  for (const branch of ["2", "3", "4"]) {
    breakers.answered("a", "vote");
    breakers.wentUndone("a", branch);
  }
  assert.equal(breakers.noLongerUndone("a", "2"), true);
  assert.equal(breakers.noLongerUndone("a", "2"), false);
  breakers.answered("a", "vote");
  breakers.wentUndone("a", "5");
  assert.equal(breakers.state("a").kind, "closed", "four at once");
  breakers.answered("a", "vote");
  breakers.wentUndone("a", "6");
  assert.equal(breakers.state("a").kind, "open", "five at once");
});

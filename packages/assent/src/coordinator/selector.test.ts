// Which protocol the next transaction uses: window 100, minimum 20, to saga at 10 %, back at 5 %.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  abortRate,
  adaptivePolicy,
  chooseProtocol,
  defaultSelectorLimits,
  fixedPolicy,
  initialSelector,
  noteFinished,
  type SelectorState,
} from "./selector.ts";

function noted(outcomes: readonly boolean[], from: SelectorState = initialSelector): SelectorState {
  return outcomes.reduce((state, aborted) => noteFinished(state, aborted, defaultSelectorLimits), from);
}

const commits = (count: number): boolean[] => Array.from({ length: count }, () => false);
const aborts = (count: number): boolean[] => Array.from({ length: count }, () => true);

test("the protocol does not change before twenty transactions have finished, whatever their outcome", () => {
  assert.equal(noted(aborts(19)).current, "2pc");
  assert.equal(noted(aborts(20)).current, "saga");
});

test("to saga at 10 %, not below", () => {
  assert.equal(noted([...aborts(2), ...commits(18)]).current, "saga");
  assert.equal(noted([...commits(82), ...aborts(9), ...commits(9)]).current, "2pc");
  assert.equal(noted([...commits(82), ...aborts(10)]).current, "saga");
});

test("back to two-phase commit at 5 %, not above", () => {
  const saga = noted([...aborts(10), ...commits(90)]);
  assert.deepEqual([saga.current, abortRate(saga)], ["saga", 0.1]);
  const six = noted(commits(4), saga);
  assert.deepEqual([six.current, abortRate(six)], ["saga", 0.06]);
  const five = noted(commits(1), six);
  assert.deepEqual([five.current, abortRate(five)], ["2pc", 0.05]);
});

test("between the thresholds the choice stays what it was", () => {
  const outcomes = [...commits(93), ...aborts(7)];
  assert.equal(noted(outcomes).current, "2pc");
  assert.equal(noted(outcomes, { current: "saga", aborted: aborts(20) }).current, "saga");
});

test("only the last hundred count", () => {
  const state = noted([...aborts(100), ...commits(100)]);
  assert.deepEqual([state.aborted.length, abortRate(state), state.current], [100, 0, "2pc"]);
});

test("two-phase commit while any breaker is not closed, and the earlier choice afterwards", () => {
  const saga = noted(aborts(20));
  assert.deepEqual([chooseProtocol(saga, false), chooseProtocol(saga, true)], ["2pc", "saga"]);
});

test("reading the choice never changes it, and only finished transactions are samples", () => {
  const policy = adaptivePolicy();
  for (const aborted of aborts(20)) policy.finished(aborted);
  for (let index = 0; index < 200; index += 1)
    assert.equal(policy.choose(index % 2 === 0), index % 2 === 0 ? "saga" : "2pc");
  assert.equal(policy.abortRate(), 1);
  assert.equal(policy.choose(true), "saga");
});

test("a switch is reported once, with its rate", () => {
  const reported: string[] = [];
  const policy = adaptivePolicy({ onSwitch: (to, rate) => reported.push(`${to} ${rate}`) });
  for (const aborted of [...aborts(20), ...commits(80), ...commits(20)]) policy.finished(aborted);
  assert.deepEqual(reported, ["saga 1", "2pc 0.05"]);
});

test("a fixed policy stays, and still knows its abort rate", () => {
  const policy = fixedPolicy("saga");
  for (const aborted of commits(50)) policy.finished(aborted);
  policy.finished(true);
  assert.deepEqual([policy.choose(true), policy.choose(false)], ["saga", "saga"]);
  assert.ok(policy.abortRate() > 0);
  assert.equal(adaptivePolicy().abortRate(), 0);
});

test("hysteresis: the choice moves only where the rate is at or past the threshold of that move", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (outcomes) => {
      let state = initialSelector;
      for (const aborted of outcomes) {
        const next = noteFinished(state, aborted, defaultSelectorLimits);
        const rate = abortRate(next);
        if (next.aborted.length < 20) assert.equal(next.current, state.current);
        else if (rate >= 0.1) assert.equal(next.current, "saga");
        else if (rate <= 0.05) assert.equal(next.current, "2pc");
        else assert.equal(next.current, state.current);
        state = next;
      }
    }),
  );
});

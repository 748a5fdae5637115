import { systemClock, systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFaults, participantPoints } from "./fault-rule.ts";
import { FaultRules, InjectedFault } from "./fault-rules.ts";

function newRules(random = systemRandom): { rules: FaultRules; crashes: () => number } {
  let crashes = 0;
  const rules = new FaultRules({
    points: participantPoints,
    clock: systemClock,
    random,
    crash: () => (crashes += 1),
  });
  return { rules, crashes: () => crashes };
}

const steps = (rules: FaultRules): { run: () => Promise<string>; done: () => number } => {
  let done = 0;
  const run = (): Promise<string> => rules.around("prepare", async () => `done ${(done += 1)}`);
  return { run, done: () => done };
};

test("an error before a step prevents it, an error after it does not", async () => {
  for (const [point, expected] of [
    ["before_prepare", 0],
    ["after_prepare", 1],
  ] as const) {
    const { rules } = newRules();
    const { run, done } = steps(rules);
    rules.set({ point, action: "error", value: 0 });
    await assert.rejects(run(), { code: "injected_fault", isSilent: false, message: `Injected fault at ${point}` });
    assert.equal(done(), expected);
  }
});

test("a step with a dropped reply is executed and silent; a duplicate is executed twice", async () => {
  const { rules } = newRules();
  const { run, done } = steps(rules);
  rules.set({ point: "after_prepare", action: "drop_reply", value: 0 });
  await assert.rejects(run(), (error) => error instanceof InjectedFault && error.isSilent);
  assert.equal(done(), 1);
  rules.set({ point: "after_prepare", action: "duplicate", value: 0 });
  assert.equal(await run(), "done 2");
  assert.equal(done(), 3);
});

test("a crash happens at its point and nowhere else; a delay waits", async () => {
  const { rules, crashes } = newRules();
  const { run } = steps(rules);
  rules.set({ point: "before_commit", action: "crash", value: 0 });
  await run();
  assert.equal(crashes(), 0);
  rules.set({ point: "before_prepare", action: "crash", value: 0 });
  await run();
  assert.equal(crashes(), 1);
  rules.set({ point: "before_prepare", action: "delay", value: 30 });
  const startedAt = performance.now();
  await run();
  assert.ok(performance.now() - startedAt >= 29);
});

test("a count ends a rule, a probability makes it fire at random, and its firings are counted", async () => {
  const { rules } = newRules();
  const { run } = steps(rules);
  rules.set({ point: "before_prepare", action: "error", value: 0, count: 2 });
  await assert.rejects(run());
  await assert.rejects(run());
  await run();
  assert.deepEqual(rules.list(), [{ point: "before_prepare", action: "error", value: 0, count: 2, fired: 2 }]);
  const draws = [0.6, 0.4];
  const drawn = newRules({ uniform: () => draws.shift() ?? 1, name: () => "" } as typeof systemRandom);
  drawn.rules.set({ point: "before_prepare", action: "error", value: 0, probability: 0.5 });
  const thinned = steps(drawn.rules);
  await thinned.run();
  await assert.rejects(thinned.run());
});

test("a new rule of a point replaces the old one and resets its count; clearing removes one or all", async () => {
  const { rules } = newRules();
  const { run } = steps(rules);
  rules.set({ point: "before_prepare", action: "error", value: 0 });
  await assert.rejects(run());
  rules.set({ point: "before_prepare", action: "delay", value: 0 });
  rules.set({ point: "before_commit", action: "error", value: 0 });
  assert.deepEqual(
    rules.list().map(({ point, action, fired }) => [point, action, fired]),
    [
      ["before_prepare", "delay", 0],
      ["before_commit", "error", 0],
    ],
  );
  rules.clear("before_prepare");
  assert.equal(rules.list().length, 1);
  rules.clear();
  assert.equal(rules.list().length, 0);
});

test("FAULT_INJECT is point:action[:value], several separated by commas; anything else is refused", () => {
  assert.deepEqual(parseFaults("before_prepare:crash, after_decide:delay:250"), [
    { point: "before_prepare", action: "crash", value: 0 },
    { point: "after_decide", action: "delay", value: 250 },
  ]);
  assert.deepEqual(parseFaults(""), []);
  for (const text of [
    "before_prepare",
    "nowhere:crash",
    "before_prepare:explode",
    "before_prepare:delay:-1",
    "a:b:1:2",
  ]) {
    assert.throws(() => parseFaults(text), { code: "invalid_fault" }, text);
  }
  assert.throws(() => newRules().rules.set({ point: "after_decide", action: "crash", value: 0 }), {
    code: "invalid_fault",
  });
});

// Phase 2 through the coordinator: acknowledgements, order, parking, alarms, returned outcomes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driven, type DrivenOptions, protocols } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer } from "./messages.ts";
import { verbTable } from "./verbs.ts";

const releaseWaitPassed = { type: "ReleaseWaitPassed" } as const;
const uninterrupted = { type: "DeadlinePassed", ownerUninterrupted: true } as const;
const chain = { a: [], b: ["a"], c: ["b"] };

/** A transaction whose commit is durable. */
function committing(options: DrivenOptions = {}): Driven {
  const run = new Driven(options);
  run.start();
  for (let round = 0; round < run.state.branches.length; round += 1) {
    for (const { spec, status } of run.state.branches) if (status === "asked") run.yes(spec.branchId);
  }
  run.decisionDurable("commit");
  return run;
}

/** A transaction aborted at its deadline, after the given branches voted yes. */
function aborting(yes: readonly string[], options: DrivenOptions = {}): { run: Driven; sent: string[] } {
  const run = new Driven(options);
  run.start();
  for (const branchId of yes) run.yes(branchId);
  run.feed(uninterrupted);
  return { run, sent: run.decisionDurable("abort", "timeout") };
}

test("C5 success is returned at the durable decision, once", () => {
  const run = new Driven();
  run.start();
  run.yes("a");
  run.yes("b");
  assert.equal(run.decisionDurable("commit")[0], "return committed");
  const later = [run.acknowledge("a", "commit"), run.acknowledge("b", "commit"), run.endDurable()].flat();
  assert.deepEqual(later, ["write end", "forget a", "forget b"]);
});

test("C5, T2 failure by silence is not returned without a tombstone, however long the silence", () => {
  const { run, sent } = aborting([]);
  assert.deepEqual(sent, ["wait for release", "abort a", "abort b"]);
  assert.deepEqual(run.silent("a", "abort"), ["retry abort a backoff 1"]);
  assert.deepEqual(run.feed(releaseWaitPassed), []);
  assert.deepEqual(run.silent("b", "abort"), ["retry abort b backoff 1"]);
  assert.deepEqual(run.acknowledge("b", "abort"), ["return aborted timeout"], "the first proof after the bound");
  assert.deepEqual(run.acknowledge("a", "abort"), ["write end"], "and only once");
});

test("C5 failure is returned before the bound only when every branch has released", () => {
  const { run } = aborting([]);
  assert.deepEqual(run.acknowledge("a", "abort"), []);
  assert.deepEqual(run.acknowledge("b", "abort"), ["write end", "return aborted timeout"]);
  assert.deepEqual(run.feed(releaseWaitPassed), []);
});

test("C5 a refusal is a tombstone: after the bound the failure is returned although the other branch is silent", () => {
  const run = new Driven();
  run.start();
  run.yes("a");
  run.refuse("b", "sold_out");
  assert.deepEqual(run.decisionDurable("abort", "sold_out"), ["wait for release", "abort a"]);
  assert.deepEqual(run.feed(releaseWaitPassed), ["return aborted sold_out"]);
});

test("C5 when every branch refused the failure is returned at the decision", () => {
  const run = new Driven({ branches: { a: [] } });
  run.start();
  run.refuse("a", "sold_out");
  const effects = run.decisionDurable("abort", "sold_out");
  assert.ok(effects.includes("return aborted sold_out") && effects.includes("write end"));
  assert.ok(!effects.includes("abort a"));
});

test("C5 a conflict or a hazard is no tombstone", () => {
  for (const answer of [{ kind: "conflict", state: "committed" }, { kind: "contended" }] as const) {
    const { run } = aborting([]);
    run.answer("a", "abort", answer);
    assert.deepEqual(run.feed(releaseWaitPassed), []);
  }
});

test("R4 a commit ends when every branch has acknowledged, and not before", () => {
  for (const protocol of protocols) {
    const run = committing({ protocol });
    const { forward } = verbTable[protocol];
    assert.deepEqual(run.silent("b", forward), [`retry ${forward} b backoff 1`]);
    assert.deepEqual(run.acknowledge("a", "commit"), []);
    assert.deepEqual(run.acknowledge("a", "commit"), [], "a duplicate is not the other branch");
    assert.deepEqual(run.retry("b", forward), [`${forward} b`]);
    assert.deepEqual(run.acknowledge("b", "commit"), ["write end"]);
    assert.deepEqual(run.endDurable(), ["forget a", "forget b"]);
    assert.equal(run.state.stage, "forgetting");
    assert.equal(run.state.record.state, "committed");
  }
});

test("R4 an unanswered end is written again; whatever comes after the end means nothing", () => {
  const run = committing();
  run.acknowledge("a", "commit");
  run.acknowledge("b", "commit");
  assert.deepEqual(run.feed({ type: "WriteWentUnanswered", write: "end" }), ["rewrite 1"]);
  assert.deepEqual(run.feed({ type: "WriteRetryFellDue" }), ["write end"]);
  run.endDurable();
  const later = [
    run.endDurable(),
    run.feed({ type: "WriteRetryFellDue" }),
    run.retry("a", "commit"),
    run.acknowledge("a", "commit"),
    run.feed({ type: "OwnershipLost" }),
    run.answer("a", "commit", { kind: "fenced", epoch: 9 }),
  ].flat();
  assert.deepEqual(later, []);
});

test("R4 forward goes to all branches at once, also to those with `after`", () => {
  const run = new Driven({ protocol: "saga", branches: chain });
  run.start();
  for (const branchId of ["a", "b", "c"]) run.yes(branchId);
  const sent = run.decisionDurable("commit");
  assert.deepEqual(sent, ["return committed", "complete a", "complete b", "complete c"]);
});

test("R4 compensation goes in reverse order among the branches that ran", () => {
  const { run, sent } = aborting(["a", "b"], { protocol: "saga", branches: chain });
  assert.deepEqual(sent, ["wait for release", "compensate c"], "c was asked and may have run");
  assert.deepEqual(run.acknowledge("c", "abort"), ["compensate b"]);
  assert.deepEqual(run.silent("b", "compensate"), ["retry compensate b backoff 1"]);
  assert.deepEqual(run.retry("a", "compensate"), [], "not its turn");
  assert.deepEqual(run.acknowledge("b", "abort"), ["compensate a"]);
  assert.deepEqual(run.acknowledge("a", "abort"), ["write end", "return aborted timeout"]);
});

test("R4 branches of equal rank compensate in parallel, before the one they came after", () => {
  const branches = { a: [], b: ["a"], c: ["a"] };
  const { run, sent } = aborting(["a", "b"], { protocol: "saga", branches });
  assert.deepEqual(sent, ["wait for release", "compensate b", "compensate c"]);
  assert.deepEqual(run.acknowledge("c", "abort"), []);
  assert.deepEqual(run.acknowledge("b", "abort"), ["compensate a"]);
});

test("R4 a refused branch is done already: what it came after compensates at once", () => {
  const run = new Driven({ protocol: "saga", branches: chain });
  run.start();
  run.yes("a");
  run.refuse("b", "sold_out");
  const sent = run.decisionDurable("abort", "sold_out");
  assert.deepEqual(sent, ["wait for release", "compensate a", "compensate c"]);
});

test("R4 a branch that was never asked gets its tombstone in parallel and holds nobody up", () => {
  const run = new Driven({ protocol: "saga", branches: { a: [], d: [], b: ["a", "d"] } });
  run.start();
  run.yes("a");
  run.refuse("d", "sold_out");
  const sent = run.decisionDurable("abort", "sold_out");
  assert.deepEqual(sent.toSorted(), ["compensate a", "compensate b", "wait for release"]);
});

test("R4 phase 2 without an answer backs off, parks after the bound, and is retried for ever", () => {
  const run = committing();
  for (let attempts = 1; attempts < defaultLimits.parkAfterAttempts; attempts += 1) {
    assert.deepEqual(run.silent("a", "commit"), [`retry commit a backoff ${attempts}`]);
    assert.deepEqual(run.retry("a", "commit"), ["commit a"]);
  }
  const parked = ["park no_answer_from_a", "retry commit a parked"];
  assert.deepEqual(run.silent("a", "commit"), parked);
  const since = run.now;
  run.now += 60_000;
  assert.deepEqual(run.retry("a", "commit"), ["commit a"]);
  assert.deepEqual(run.answer("a", "commit", { kind: "unknown", reason: "handler" }), parked);
  assert.deepEqual(run.state.record.parked, {
    reason: "no_answer_from_a",
    since,
    attempts: defaultLimits.parkAfterAttempts + 1,
  });
  assert.equal(run.state.record.state, "committing", "parked is a note, not a state");
  run.acknowledge("b", "commit");
  assert.deepEqual(run.acknowledge("a", "commit"), ["write end"], "parking is no exit and no obstacle");
});

test("P2, P9, T7 what cannot be finished is alarmed, parked and retried, never done", () => {
  const alarms: readonly [Answer, string][] = [
    [{ kind: "conflict", state: "aborted" }, "conflict"],
    [{ kind: "hazard", reason: "floor" }, "heuristic_hazard"],
    [{ kind: "expired" }, "expired_in_phase_two"],
  ];
  for (const [answer, code] of alarms) {
    const run = committing();
    run.acknowledge("b", "commit");
    const effects = run.answer("a", "commit", answer);
    assert.deepEqual(effects, [`alarm ${code} a`, `park ${code}`, "retry commit a parked"]);
    assert.deepEqual(run.retry("a", "commit"), ["commit a"]);
    assert.deepEqual(run.answer("a", "commit", answer).length, 3, "alarming as long as it lasts");
    assert.deepEqual(run.acknowledge("a", "commit"), ["write end"]);
  }
});

test("P7 an expired abort is done: nothing ran there and nothing will", () => {
  const { run } = aborting([]);
  run.acknowledge("a", "abort");
  assert.ok(run.answer("b", "abort", { kind: "expired" }).includes("write end"));
});

test("P2 an acknowledgement of the other direction is none", () => {
  const run = committing();
  assert.ok(!run.answer("a", "commit", { kind: "done", state: "aborted" }).includes("write end"));
  run.retry("a", "commit");
  assert.ok(run.answer("a", "commit", { kind: "done", state: "prepared" }).includes("retry commit a parked"));
  assert.deepEqual(run.answer("b", "abort", { kind: "done", state: "aborted" }), [], "not the verb of this decision");
  assert.deepEqual(run.silent("b", "abort"), []);
  assert.deepEqual(run.retry("b", "abort"), []);
  assert.deepEqual(run.acknowledge("b", "commit"), []);
});

test("R4 late and doubled timers send the same command or nothing, and never to a branch that is done", () => {
  const run = committing();
  run.silent("a", "commit");
  assert.deepEqual(run.retry("a", "commit"), ["commit a"]);
  assert.ok(run.retry("a", "commit").every((effect) => effect === "commit a"));
  run.acknowledge("a", "commit");
  assert.deepEqual([run.retry("a", "commit"), run.silent("a", "commit")], [[], []]);
  const conflict = run.answer("a", "commit", { kind: "conflict", state: "aborted" });
  assert.deepEqual(conflict, [], "an answer after the acknowledgement is an echo");
});

test("R4 doubled answers do not multiply the retries", () => {
  const run = committing({ branches: { a: [] } });
  const hazard = { kind: "hazard", reason: "floor" } as const;
  let sent = 1;
  for (let round = 0; round < 6; round += 1) {
    const answers = Array.from({ length: sent * 2 }, () => run.answer("a", "commit", hazard)).flat();
    const due = answers.filter((effect) => effect === "retry commit a parked").length;
    sent = Array.from({ length: due }, () => run.retry("a", "commit")).flat().length;
  }
  assert.ok(sent <= 2, `${sent} commands in the seventh round`);
});

test("P7 forget goes to forward-final branches, and only after the durable end", () => {
  const run = committing();
  const before = [run.acknowledge("a", "commit"), run.acknowledge("b", "commit")].flat();
  assert.deepEqual(before, ["write end"]);
  assert.deepEqual(run.endDurable(), ["forget a", "forget b"]);
  assert.deepEqual(run.endDurable(), []);
  assert.deepEqual(run.answer("a", "forget", { kind: "forgotten" }), []);
  const { run: aborted } = aborting([]);
  aborted.acknowledge("a", "abort");
  aborted.acknowledge("b", "abort");
  assert.deepEqual(aborted.endDurable(), [], "what ended backward goes by its age");
});

test("C2 a fenced sender stops in phase 2, too", () => {
  const run = committing();
  assert.deepEqual(run.answer("a", "commit", { kind: "fenced", epoch: 6 }), ["stand down"]);
  assert.deepEqual([run.acknowledge("a", "commit"), run.acknowledge("b", "commit")], [[], []]);
});

test("P7, R5 an expired commit is done where the record came back, and parks elsewhere", () => {
  for (const protocol of protocols) {
    const { forward } = verbTable[protocol];
    const back = new Driven({ protocol, role: "recoverer", state: "committing", rebuilt: true });
    back.start();
    assert.deepEqual(back.answer("a", forward, { kind: "expired" }), []);
    assert.deepEqual(back.acknowledge("b", "commit"), ["write end"]);
    const never = new Driven({ protocol, role: "recoverer", state: "committing" });
    never.start();
    const said = never.answer("a", forward, { kind: "expired" });
    assert.equal(said[0], "alarm expired_in_phase_two a");
  }
});

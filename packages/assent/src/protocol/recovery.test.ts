// R3: what answers to query-or-prevent prove, and how a taker-over acts on it.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BranchProgress, BranchStatus } from "./coordinator-state.ts";
import { branchSpec, Driven, protocols } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer } from "./messages.ts";
import { weighAnswers } from "./recovery.ts";
import { verbTable } from "./verbs.ts";

const query = "query-or-prevent";
const statuses: readonly BranchStatus[] = ["idle", "asked", "yes", "forward", "no", "expired", "mismatch"];

const prepared: Answer = { kind: "done", state: "prepared" };
const committed: Answer = { kind: "done", state: "committed" };
const tombstone: Answer = { kind: "done", state: "aborted" };

function weigh(...found: readonly BranchStatus[]): string {
  return weighWith(found.map((status, index) => ({ spec: branchSpec(`b${index}`), status, attempts: 0 })));
}

function weighWith(branches: readonly BranchProgress[]): string {
  const finding = weighAnswers(branches);
  return "reason" in finding ? `${finding.kind} ${finding.reason}` : finding.kind;
}

function recoverer(): Driven {
  const run = new Driven({ role: "recoverer" });
  run.start();
  return run;
}

test("R3 all yes is commit, any tombstone is abort, silence is waiting", () => {
  assert.equal(weigh("yes", "yes"), "commit");
  assert.equal(weigh("yes", "no"), "abort interrupted");
  assert.equal(weigh("no", "asked"), "abort interrupted");
  assert.equal(weigh("yes", "asked"), "wait");
  assert.equal(weigh("yes", "idle"), "wait");
  assert.equal(weigh("expired", "asked"), "wait");
});

test("R3 a forward-final branch counts as yes", () => {
  assert.equal(weigh("forward", "yes"), "commit");
  assert.equal(weigh("forward", "forward"), "commit");
  assert.equal(weigh("forward", "asked"), "wait");
});

test("R3 the reason of a refusal becomes the reason of the abort", () => {
  const refused = { spec: branchSpec("b"), status: "no", attempts: 0, refusal: "sold_out" } as const;
  assert.equal(weighWith([{ spec: branchSpec("a"), status: "yes", attempts: 0 }, refused]), "abort sold_out");
});

test("P7 an expired branch never ran and never will, also where every branch is", () => {
  assert.equal(weigh("yes", "expired"), "abort expired");
  assert.equal(weigh("forward", "expired"), "commit");
  assert.equal(weigh("expired", "expired"), "abort expired");
});

test("S1 contradicting answers are for an operator", () => {
  assert.equal(weigh("forward", "no"), "park mixed_outcome");
  assert.equal(weigh("yes", "mismatch"), "abort payload_mismatch", "the other content had not every vote");
  assert.equal(weigh("mismatch", "mismatch"), "park payload_mismatch");
  assert.equal(weigh("mismatch", "expired"), "park payload_mismatch");
  assert.equal(weigh("forward", "mismatch"), "park payload_mismatch");
  assert.equal(weigh("mismatch", "no"), "abort interrupted");
});

test("R3, C6 for every combination: commit needs a proof from all, abort needs a proof from one", () => {
  const found = fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(found, (list) => {
      const has = (status: BranchStatus): boolean => list.includes(status);
      const finding = weigh(...list);
      if (finding === "commit") {
        assert.ok(list.every((status) => ["yes", "forward", "expired"].includes(status)));
        assert.ok(!has("expired") || has("forward"), "an expired branch alone proves no yes");
      }
      if (finding.startsWith("abort")) assert.ok(has("no") || has("expired") || (has("mismatch") && has("yes")));
      if (finding.startsWith("abort")) assert.ok(!has("forward"), "a proved commit is never aborted");
      if (finding === "wait") assert.ok(has("idle") || has("asked"));
      assert.equal(weigh(...list.toReversed()), finding, "the order of the branches is nothing");
    }),
  );
});

test("R3 a taker-over questions every branch, whatever `after` says", () => {
  const run = new Driven({ role: "recoverer", branches: { a: [], b: ["a"] } });
  assert.deepEqual(run.start(), [`${query} a`, `${query} b`]);
});

test("R3 all yes: the taker-over decides commit, durably, before anything else", () => {
  for (const protocol of protocols) {
    const run = new Driven({ role: "recoverer", protocol });
    const { yesState, forward } = verbTable[protocol];
    run.start();
    assert.deepEqual(run.answer("a", query, { kind: "done", state: yesState }), []);
    assert.deepEqual(run.answer("b", query, { kind: "done", state: yesState }), ["write commit"]);
    assert.deepEqual(run.decisionDurable("commit"), ["return committed", `${forward} a`, `${forward} b`]);
  }
});

test("R3, T10 a tombstone: the taker-over decides abort before it sends any", () => {
  const run = recoverer();
  assert.deepEqual(run.answer("b", query, tombstone), ["write abort interrupted"]);
  assert.deepEqual(run.answer("a", query, prepared), []);
  assert.deepEqual(run.decisionDurable("abort", "interrupted"), ["wait for release", "abort a"]);
  assert.deepEqual(run.acknowledge("a", "abort"), ["write end", "return aborted interrupted"]);
});

test("R3 recovery returns the reason of a refusing branch", () => {
  const run = recoverer();
  const refused: Answer = { kind: "done", state: "aborted", refusal: "sold_out" };
  assert.deepEqual(run.answer("b", query, refused), ["write abort sold_out"]);
});

test("T1, C6 a taker-over waits on a silent branch, parked and visible, and asks it for ever", () => {
  const run = recoverer();
  run.answer("a", query, prepared);
  for (let attempts = 1; attempts < defaultLimits.parkAfterAttempts; attempts += 1) {
    assert.deepEqual(run.silent("b", query), [`retry ${query} b backoff ${attempts}`]);
    assert.deepEqual(run.retry("b", query), [`${query} b`]);
  }
  const parked = ["park no_answer_from_b", `retry ${query} b parked`];
  assert.deepEqual(run.silent("b", query), parked);
  assert.deepEqual(run.feed({ type: "DeadlinePassed", ownerUninterrupted: true }), []);
  assert.deepEqual(run.retry("b", query), [`${query} b`]);
  assert.deepEqual(run.silent("b", query), parked);
  assert.deepEqual(run.answer("b", query, committed), ["write commit"]);
});

test("R3 late phase-1 answers to the former owner are no proof", () => {
  const run = recoverer();
  run.answer("a", query, prepared);
  assert.deepEqual([run.yes("b"), run.refuse("b", "late"), run.retry("b", "prepare")], [[], [], []]);
});

test("R3 a retry or a silence about a branch that has answered means nothing", () => {
  const run = recoverer();
  run.answer("a", query, prepared);
  assert.deepEqual([run.retry("a", query), run.silent("a", query)], [[], []]);
});

test("R4 a record that was decided goes straight to phase 2, without questions", () => {
  const commit = new Driven({ role: "recoverer", state: "committing" });
  const effects = commit.start();
  assert.ok(effects.includes("commit a") && effects.includes("commit b"));
  assert.ok(!effects.some((effect) => effect.startsWith(query)));
  commit.acknowledge("a", "commit");
  assert.deepEqual(commit.acknowledge("b", "commit"), ["write end"]);
  const abort = new Driven({ role: "recoverer", state: "aborting", protocol: "saga", branches: { a: [], b: ["a"] } });
  assert.ok(abort.start().includes("compensate b"));
  assert.ok(abort.acknowledge("b", "abort").includes("compensate a"));
});

test("R3 a taker-over that loses the record again stops", () => {
  const run = recoverer();
  run.answer("a", query, prepared);
  assert.deepEqual(run.answer("b", query, { kind: "fenced", epoch: 9 }), ["stand down"]);
  assert.deepEqual(run.answer("b", query, prepared), []);
});

test("R4 a recovery parked on its answers keeps asking", () => {
  const contradictions: readonly (readonly [Answer, Answer, string])[] = [
    [committed, tombstone, "mixed_outcome"],
    [{ kind: "mismatch" }, { kind: "mismatch" }, "payload_mismatch"],
  ];
  for (const [first, second, reason] of contradictions) {
    const run = recoverer();
    run.answer("a", query, first);
    const effects = run.answer("b", query, second);
    assert.ok(effects.includes(`park ${reason}`), reason);
    const retries = effects.filter((effect) => effect.startsWith(`retry ${query}`));
    assert.ok(retries.length > 0, `${reason}: parked is retried, never an exit`);
    const asked = ["a", "b"].flatMap((branchId) => run.retry(branchId, query));
    assert.ok(asked.length > 0, `${reason}: the retry asks again`);
  }
});

test("P2, P4 a recovery that finds a mixed outcome or other content raises an alarm", () => {
  for (const [first, second] of [
    [committed, tombstone],
    [{ kind: "mismatch" }, { kind: "mismatch" }],
  ] as const) {
    const run = recoverer();
    run.answer("a", query, first);
    const effects = run.answer("b", query, second);
    assert.ok(
      effects.some((effect) => effect.startsWith("alarm ")),
      effects.join(),
    );
  }
});

test("S1 a commit proved by a forward-final branch is not turned into an abort by a changed row", () => {
  const run = recoverer();
  run.answer("a", query, committed);
  run.answer("b", query, prepared);
  const effects = run.feed({ type: "DecisionUnmet" });
  assert.ok(!effects.some((effect) => effect.startsWith("write abort")), effects.join());
});

test("M3 an answer that no question can have decides nothing and breaks nothing", () => {
  const strange: readonly Answer[] = [
    { kind: "contended" },
    { kind: "hazard", reason: "floor" },
    { kind: "conflict", state: "aborted" },
    { kind: "forgotten" },
  ];
  for (const answer of strange) {
    const run = recoverer();
    run.answer("a", query, prepared);
    const effects = run.answer("b", query, answer);
    assert.ok(effects.includes(`retry ${query} b backoff 1`), `${answer.kind}: as unknown`);
    assert.deepEqual(run.answer("b", query, prepared), ["write commit"]);
  }
});

// The coordinator up to its decision: phase 1, deadline, the decision write. Phase 2 and R3 have their own files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { coordinate } from "./coordinator.ts";
import { Driven, protocols } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer } from "./messages.ts";
import { verbTable } from "./verbs.ts";

const uninterrupted = { type: "DeadlinePassed", ownerUninterrupted: true } as const;
const interrupted = { type: "DeadlinePassed", ownerUninterrupted: false } as const;
const lostReply = { type: "WriteWentUnanswered", write: "decision" } as const;
const rewriteDue = { type: "WriteRetryFellDue" } as const;

function votedYes(run: Driven): string[] {
  run.start();
  run.yes("a");
  return run.yes("b");
}

test("C1 commit is asked for with the last yes vote and not before", () => {
  for (const protocol of protocols) {
    const run = new Driven({ protocol });
    const { vote } = verbTable[protocol];
    assert.deepEqual(run.start(), [`${vote} a`, `${vote} b`]);
    assert.deepEqual(run.yes("b"), []);
    assert.deepEqual(run.yes("b"), [], "a duplicate is no second vote");
    assert.deepEqual(run.yes("a"), ["write commit"]);
  }
});

test("C1 nothing that is not a yes vote leads to commit", () => {
  const noVotes: readonly Answer[] = [
    { kind: "refused", reason: "sold_out" },
    { kind: "done", state: "aborted" },
    { kind: "expired" },
    { kind: "mismatch" },
    { kind: "contended" },
    { kind: "unknown", reason: "crash" },
    { kind: "fenced", epoch: 6 },
  ];
  for (const answer of noVotes) {
    const run = new Driven();
    run.start();
    run.yes("a");
    assert.ok(!run.answer("b", "prepare", answer).includes("write commit"), answer.kind);
  }
});

test("M3 C6 a failed handler is reported at the deadline, unless its branch has voted since", () => {
  const failed: Answer = { kind: "unknown", reason: "handler_failed" };
  const run = new Driven();
  run.start();
  run.yes("a");
  run.answer("b", "prepare", failed);
  assert.deepEqual(run.feed(uninterrupted), ["write abort handler_failed"]);
  const healed = new Driven();
  healed.start();
  healed.answer("b", "prepare", failed);
  healed.yes("b");
  assert.deepEqual(healed.feed(uninterrupted), ["write abort timeout"]);
});

test("C1 answers to other verbs are no votes", () => {
  const run = new Driven();
  run.start();
  run.yes("a");
  for (const verb of ["query-or-prevent", "commit", "abort", "forget"] as const) {
    assert.deepEqual(run.answer("b", verb, { kind: "done", state: "prepared" }), []);
  }
});

test("C1 steps run in parallel except after the ones they name", () => {
  const run = new Driven({ branches: { a: [], b: ["a"], c: ["a", "d"], d: [] } });
  assert.deepEqual(run.start(), ["prepare a", "prepare d"]);
  assert.deepEqual(run.yes("a"), ["prepare b"]);
  assert.deepEqual(run.yes("b"), []);
  assert.deepEqual(run.yes("d"), ["prepare c"]);
  assert.deepEqual(run.yes("d"), [], "asked once");
  assert.deepEqual(run.yes("c"), ["write commit"]);
});

test("C1 a refusal stops the steps that wait for it", () => {
  const run = new Driven({ branches: { a: [], b: ["a"] } });
  run.start();
  assert.deepEqual(run.refuse("a", "sold_out"), ["write abort sold_out"]);
  assert.deepEqual(run.yes("a"), []);
});

test("C3 no command and no outcome before the decision is durable", () => {
  const commit = new Driven();
  assert.deepEqual(votedYes(commit), ["write commit"]);
  assert.deepEqual(commit.decisionDurable("commit"), ["return committed", "commit a", "commit b"]);
  const abort = new Driven();
  abort.start();
  abort.yes("a");
  assert.deepEqual(abort.refuse("b", "sold_out"), ["write abort sold_out"]);
  assert.deepEqual(abort.decisionDurable("abort", "sold_out"), ["wait for release", "abort a"]);
});

test("T10 no abort is sent before the abort is decided, whatever happens meanwhile", () => {
  const run = new Driven();
  run.start();
  const effects = [
    run.refuse("a", "sold_out"),
    run.yes("b"),
    run.silent("b", "prepare"),
    run.retry("b", "prepare"),
    run.feed({ type: "ReleaseWaitPassed" }),
    run.feed(uninterrupted),
    run.feed(lostReply),
    run.feed(rewriteDue),
  ].flat();
  assert.deepEqual(effects, ["write abort sold_out", "rewrite 1", "write abort sold_out"]);
});

test("C2, T9 an unanswered decision write is repeated, never replaced by its opposite", () => {
  const commit = new Driven();
  votedYes(commit);
  assert.deepEqual(commit.feed(lostReply), ["rewrite 1"]);
  assert.deepEqual(commit.feed(uninterrupted), [], "the deadline changes nothing any more");
  assert.deepEqual(commit.refuse("b", "late"), [], "nor does a late refusal");
  assert.deepEqual(commit.feed(rewriteDue), ["write commit"]);
  assert.deepEqual(commit.feed(lostReply), ["rewrite 2"]);
  assert.deepEqual(commit.feed(rewriteDue), ["write commit"]);
  assert.deepEqual(commit.decisionDurable("commit"), ["return committed", "commit a", "commit b"]);

  const abort = new Driven();
  abort.start();
  abort.feed(uninterrupted);
  abort.feed(lostReply);
  assert.deepEqual([abort.yes("a"), abort.yes("b")], [[], []], "late yes votes are too late");
  assert.deepEqual(abort.feed(rewriteDue), ["write abort timeout"]);
});

test("C2 a decision heard of twice acts once", () => {
  const run = new Driven();
  votedYes(run);
  run.decisionDurable("commit");
  assert.deepEqual(run.decisionDurable("commit"), []);
  assert.deepEqual(run.feed(lostReply), []);
  assert.deepEqual(run.feed(rewriteDue), []);
});

test("C2 a durable decision that is not the intended one breaks an invariant", () => {
  const run = new Driven();
  votedYes(run);
  assert.throws(() => run.decisionDurable("abort", "timeout"), { rule: "C2" });
  assert.throws(() => run.feed({ type: "DecisionWritten", record: run.state.record }), { rule: "C2" });
});

test("C2 a loser and a fenced sender stop: nothing more is written, sent or returned", () => {
  const stops: readonly ((run: Driven) => string[])[] = [
    (run) => run.feed({ type: "OwnershipLost" }),
    (run) => run.answer("a", "prepare", { kind: "fenced", epoch: 6 }),
  ];
  for (const stop of stops) {
    for (const decided of [false, true]) {
      const run = new Driven();
      run.start();
      if (decided) {
        run.yes("a");
        run.yes("b");
      }
      assert.deepEqual(stop(run), ["stand down"]);
      const later = [run.yes("a"), run.yes("b"), run.feed(rewriteDue), run.feed(uninterrupted), stop(run)].flat();
      assert.deepEqual([...later, ...run.decisionDurable("commit")], []);
    }
  }
});

test("C2, P5 a fenced answer to an earlier epoch of one's own is an echo", () => {
  const run = new Driven();
  run.start();
  const fenced = { kind: "fenced", epoch: run.state.record.epoch } as const;
  assert.deepEqual(run.answer("a", "prepare", fenced), ["retry prepare a backoff 1"], "it proves nothing");
  run.yes("a");
  assert.deepEqual(run.yes("b"), ["write commit"]);
});

test("C4 a commit whose row has changed becomes an abort", () => {
  const run = new Driven();
  votedYes(run);
  assert.deepEqual(run.feed({ type: "DecisionUnmet" }), ["write abort row_changed"]);
  assert.deepEqual(run.decisionDurable("abort", "row_changed"), ["wait for release", "abort a", "abort b"]);
});

test("C4 a second reply that the row has changed changes nothing", () => {
  const run = new Driven();
  votedYes(run);
  run.feed(lostReply);
  run.feed(rewriteDue);
  run.feed({ type: "DecisionUnmet" });
  assert.deepEqual(run.feed({ type: "DecisionUnmet" }), []);
  run.decisionDurable("abort", "row_changed");
  assert.deepEqual(run.feed({ type: "DecisionUnmet" }), []);
});

test("C2, C4 a late reply about the row never reverses a durable commit", () => {
  const run = new Driven();
  votedYes(run);
  run.decisionDurable("commit");
  assert.deepEqual(run.feed({ type: "DecisionUnmet" }), []);
  assert.equal(run.state.stage, "finishing");
});

test("C6 the uninterrupted owner aborts on silence and sends abort to every branch, even those never asked", () => {
  const run = new Driven({ branches: { a: [], b: ["a"], c: [] } });
  run.start();
  run.yes("c");
  assert.deepEqual(run.feed(uninterrupted), ["write abort timeout"]);
  const sent = run.decisionDurable("abort", "timeout");
  assert.ok(["wait for release", "abort b", "abort c"].every((effect) => sent.includes(effect)));
  assert.deepEqual(
    run
      .acknowledge("b", "abort")
      .concat(sent)
      .filter((effect) => effect === "abort a").length,
    1,
  );
});

test("C6 an interrupted owner does not let silence decide: it takes its own record over and goes on by R3", () => {
  const run = new Driven();
  run.start();
  run.yes("a");
  assert.deepEqual(run.feed(interrupted), ["take over own record"]);
  assert.deepEqual([run.yes("b"), run.feed(uninterrupted), run.silent("b", "prepare")], [[], [], []]);
});

test("C6 a taker-over never lets silence decide", () => {
  const run = new Driven({ role: "recoverer" });
  run.start();
  assert.deepEqual([run.feed(uninterrupted), run.feed(interrupted)], [[], []]);
});

test("C6 before the deadline an unanswered phase 1 is sent again, without a bound and without parking", () => {
  const run = new Driven();
  run.start();
  for (let attempts = 1; attempts <= defaultLimits.parkAfterAttempts * 2; attempts += 1) {
    assert.deepEqual(run.silent("a", "prepare"), [`retry prepare a backoff ${attempts}`]);
    assert.deepEqual(run.retry("a", "prepare"), ["prepare a"]);
  }
  const unknown = run.answer("a", "prepare", { kind: "unknown", reason: "handler" });
  assert.deepEqual(unknown, [`retry prepare a backoff ${defaultLimits.parkAfterAttempts * 2 + 1}`]);
});

test("P4 a retry that falls due late or twice never asks a branch that has answered", () => {
  const run = new Driven();
  run.start();
  run.silent("a", "prepare");
  assert.deepEqual(run.retry("a", "commit"), [], "not the verb of this stage");
  run.yes("a");
  assert.deepEqual([run.retry("a", "prepare"), run.retry("a", "prepare"), run.silent("a", "prepare")], [[], [], []]);
  run.yes("b");
  assert.deepEqual([run.retry("a", "prepare"), run.silent("b", "prepare")], [[], []]);
  run.decisionDurable("commit");
  assert.deepEqual([run.retry("a", "prepare"), run.silent("b", "prepare")], [[], []]);
  assert.deepEqual([run.yes("a"), run.refuse("b", "late")], [[], []], "late votes mean nothing in phase 2");
});

test("P10 a contended branch is tried again until the bound, then the transaction aborts", () => {
  const run = new Driven();
  run.start();
  run.yes("b");
  const contended = () => run.answer("a", "prepare", { kind: "contended" });
  assert.deepEqual(contended(), ["retry prepare a contended 0"]);
  assert.deepEqual(run.retry("a", "prepare"), ["prepare a"]);
  run.now += defaultLimits.contendedWaitMs - 1;
  assert.deepEqual(contended(), [`retry prepare a contended ${defaultLimits.contendedWaitMs - 1}`]);
  run.retry("a", "prepare");
  run.now += 1;
  assert.deepEqual(contended(), ["write abort contended"]);
  const sent = run.decisionDurable("abort", "contended");
  assert.deepEqual(sent, ["wait for release", "abort a", "abort b"], "contended left no tombstone: a gets abort, too");
});

test("P10 a clock that is set back neither hurries the retries nor keeps them up beyond the bound", () => {
  const run = new Driven();
  run.start();
  run.yes("b");
  const contended = () => run.answer("a", "prepare", { kind: "contended" });
  contended();
  run.retry("a", "prepare");
  run.now -= 3_600_000;
  assert.deepEqual(contended(), ["retry prepare a contended 0"]);
  run.retry("a", "prepare");
  run.now += defaultLimits.contendedWaitMs;
  assert.deepEqual(contended(), ["write abort contended"]);
});

test("P10 a contended branch that gets its amount in time votes yes", () => {
  const run = new Driven();
  run.start();
  run.yes("b");
  run.answer("a", "prepare", { kind: "contended" });
  run.now += defaultLimits.contendedWaitMs - 1;
  assert.deepEqual(run.yes("a"), ["write commit"]);
});

test("P10 waiting for contention can be switched off", () => {
  const run = new Driven({ limits: { contendedWaitMs: 0 } });
  run.start();
  assert.deepEqual(run.answer("a", "prepare", { kind: "contended" }), ["write abort contended"]);
});

test("P10 no false sold-out: a late contended answer does not take back a yes vote", () => {
  const run = new Driven();
  run.start();
  run.answer("a", "prepare", { kind: "contended" });
  run.yes("a");
  run.now += defaultLimits.contendedWaitMs + 1;
  assert.deepEqual(run.answer("a", "prepare", { kind: "contended" }), []);
  assert.deepEqual(run.yes("b"), ["write commit"]);
});

test("P4, C6 a payload mismatch raises an alarm and leaves the decision to R3: a lost life may have committed", () => {
  const run = new Driven();
  run.start();
  const effects = run.answer("b", "prepare", { kind: "mismatch" });
  assert.deepEqual(effects, ["alarm payload_mismatch b", "take over own record"]);
});

test("P7 an expired phase 1 aborts: it never ran and never will", () => {
  const run = new Driven();
  run.start();
  assert.deepEqual(run.answer("b", "prepare", { kind: "expired" }), ["write abort expired"]);
});

test("M3 an answer that no phase 1 can have decides nothing and breaks nothing", () => {
  const strange: readonly Answer[] = [
    { kind: "hazard", reason: "floor" },
    { kind: "conflict", state: "aborted" },
    { kind: "forgotten" },
  ];
  for (const answer of strange) {
    const run = new Driven();
    run.start();
    run.yes("a");
    const effects = run.answer("b", "prepare", answer);
    assert.ok(effects.includes("retry prepare b backoff 1"), `${answer.kind}: as unknown`);
    assert.deepEqual(run.yes("b"), ["write commit"]);
  }
});

test("R2 a fenced owner reports the epoch that it must exceed", () => {
  const run = new Driven();
  run.start();
  const answered = { type: "Answered", branchId: "a", verb: "prepare", answer: { kind: "fenced", epoch: 77 } } as const;
  const { effects } = coordinate(run.state, answered, { now: run.now, limits: run.limits });
  assert.deepEqual(effects, [{ type: "StandDown", seenEpoch: 77 }]);
});

test("C4, C5 a transaction without any request is aborted durably, then reported", () => {
  const run = new Driven({ branches: {} });
  assert.deepEqual(run.feed({ type: "Withdrawn", reason: "definition_failed" }), ["write abort definition_failed"]);
  const effects = run.decisionDurable("abort", "definition_failed");
  assert.ok(effects.includes("write end") && effects.includes("return aborted definition_failed"));
  assert.throws(() => new Driven().feed({ type: "Withdrawn", reason: "late" }), { rule: "C6" });
});

test("only an owner begins, only a taker-over takes over, and only branches of the transaction answer", () => {
  assert.throws(() => new Driven({ role: "recoverer" }).feed({ type: "Begun" }), { rule: "C6" });
  assert.throws(() => new Driven().feed({ type: "TakenOver" }), { rule: "R2" });
  assert.throws(() => new Driven().yes("stranger"), { rule: "R3" });
});

test("C5 the returned reason is that of the first refusing step, whichever answer comes first", () => {
  const run = new Driven({ branches: { a: [], b: [], c: [] } });
  run.start();
  assert.deepEqual(run.refuse("b", "no_money"), [], "the step before it has just been asked");
  assert.deepEqual(run.yes("c"), []);
  assert.deepEqual(run.refuse("a", "sold_out"), ["write abort sold_out"]);
});

test("C5 a refusal waits once for the steps before it, and not for silence, contention or later steps", () => {
  const first = (): Driven => {
    const run = new Driven();
    run.start();
    assert.deepEqual(run.refuse("b", "no_money"), []);
    return run;
  };
  assert.deepEqual(first().yes("a"), ["write abort no_money"]);
  assert.deepEqual(first().silent("a", "prepare"), ["write abort no_money"]);
  assert.deepEqual(first().answer("a", "prepare", { kind: "contended" }), ["write abort no_money"]);
  assert.deepEqual(first().feed(uninterrupted), ["write abort no_money"]);
  const run = new Driven();
  run.start();
  assert.deepEqual(run.refuse("a", "sold_out"), ["write abort sold_out"]);
});

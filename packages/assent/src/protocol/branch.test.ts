import assert from "node:assert/strict";
import { test } from "node:test";
import { type BranchRecord, judgeCommand, removableAt, settleCommand, shouldAsk } from "./branch.ts";
import { applyCommand, begunAt, command, deadlineAt, protocols, type Surroundings } from "./fixtures.test.ts";
import { fingerprintOf } from "./json.ts";
import { defaultLimits } from "./limits.ts";
import type { Command } from "./messages.ts";
import { type BranchState, type Protocol, type Verb, verbs, verbTable } from "./verbs.ts";

const expiry = begunAt + defaultLimits.maxAgeMs;
const soldOut = { kind: "refused", reason: "sold_out" } as const;

/** The record that a history of verbs leaves. */
function after(history: readonly Verb[], surroundings: Surroundings = {}): BranchRecord {
  const { protocol } = command(history[0] ?? "prepare");
  let record: BranchRecord | undefined;
  for (const verb of history) record = applyCommand(record, command(verb, { protocol }), surroundings).record;
  assert.ok(record !== undefined, `${history.join()} leaves a record`);
  return record;
}

const finals: readonly { protocol: Protocol; history: readonly Verb[]; state: BranchState; opposite: Verb }[] = [
  { protocol: "2pc", history: ["prepare", "commit"], state: "committed", opposite: "abort" },
  { protocol: "2pc", history: ["prepare", "abort"], state: "aborted", opposite: "commit" },
  { protocol: "2pc", history: ["abort"], state: "aborted", opposite: "commit" },
  { protocol: "saga", history: ["execute", "complete"], state: "completed", opposite: "compensate" },
  { protocol: "saga", history: ["execute", "compensate"], state: "compensated", opposite: "complete" },
  { protocol: "saga", history: ["compensate"], state: "compensated", opposite: "complete" },
];

test("P1 every path of the verb table ends in its state", () => {
  for (const { history, state } of finals) assert.equal(after(history).state, state);
  assert.equal(after(["prepare"]).state, "prepared");
  assert.equal(after(["execute"]).state, "executed");
});

test("P1 a verb runs exactly the business operation it stands for", () => {
  const operations = (history: readonly Verb[], verb: Verb) =>
    applyCommand(history.length === 0 ? undefined : after(history), command(verb)).operation;
  assert.equal(operations([], "prepare"), "prepare");
  assert.equal(operations([], "execute"), "execute");
  assert.equal(operations(["prepare"], "commit"), "commit");
  assert.equal(operations(["prepare"], "abort"), "abort");
  assert.equal(operations(["execute"], "compensate"), "compensate");
  assert.equal(operations(["execute"], "complete"), undefined, "complete applies nothing");
  assert.equal(operations([], "abort"), undefined, "nothing to undo where nothing ran");
});

test("P1 a phase-2 operation is never settled on a branch that did not vote yes", () => {
  const result = { kind: "ok" } as const;
  for (const operation of ["commit", "abort", "compensate"] as const) {
    const settle = (record: BranchRecord | undefined) => () =>
      settleCommand(record, command("commit"), { operation, result, now: begunAt });
    assert.throws(settle(undefined), { code: "invariant_violation", rule: "P1" });
    assert.throws(settle(after(["abort"])), { code: "invariant_violation", rule: "P1" });
  }
});

test("P2 forward on backward and backward on forward is a conflict and changes nothing", () => {
  for (const { history, state, opposite } of finals) {
    const record = after(history);
    const applied = applyCommand(record, command(opposite));
    assert.deepEqual(applied, { answer: { kind: "conflict", state }, record });
  }
});

test("P2 no verb moves a final state", () => {
  for (const { history, state, protocol } of finals) {
    for (const verb of verbs) {
      const { record, operation } = applyCommand(after(history), command(verb, { protocol, epoch: 9 }));
      assert.equal(record?.state, state, `${verb} on ${state}`);
      assert.equal(operation, undefined);
    }
  }
});

test("P2 a late phase 1 on a final state is no conflict: it gets the stored answer", () => {
  for (const { history, state, protocol } of finals) {
    const { answer } = applyCommand(after(history), command(verbTable[protocol].vote));
    const forward = state === "committed" || state === "completed";
    assert.deepEqual(answer, forward ? { kind: "done", state } : { kind: "refused", reason: "prevented" });
  }
});

test("P2 a business that refuses to finish a yes vote is a bug, not an answer", () => {
  for (const [voted, verb] of [
    ["prepare", "commit"],
    ["prepare", "abort"],
    ["execute", "compensate"],
  ] as const) {
    for (const result of [soldOut, { kind: "contended" }] as const) {
      assert.throws(() => applyCommand(after([voted]), command(verb), { result }), { rule: "P2" });
    }
  }
});

test("P3 a refusal leaves a tombstone with its reason, and a late phase 1 meets it", () => {
  for (const protocol of protocols) {
    const { vote, backwardState } = verbTable[protocol];
    const refused = applyCommand(undefined, command(vote), { result: soldOut });
    assert.deepEqual(refused.answer, soldOut);
    assert.equal(refused.record?.state, backwardState);
    assert.equal(refused.record?.refusal, "sold_out");
    const late = applyCommand(refused.record, command(vote), { result: { kind: "ok" } });
    assert.deepEqual(late.answer, soldOut);
    assert.equal(late.operation, undefined, "the business is not asked again");
  }
});

test("P3 a backward verb on a branch that never ran leaves a tombstone, and a late phase 1 is refused", () => {
  for (const protocol of protocols) {
    const { vote, backward, backwardState } = verbTable[protocol];
    const backwards = applyCommand(undefined, command(backward));
    assert.deepEqual(backwards.answer, { kind: "done", state: backwardState });
    const late = applyCommand(backwards.record, command(vote));
    assert.deepEqual(late, { answer: { kind: "refused", reason: "prevented" }, record: backwards.record });
  }
});

test("P3 query-or-prevent on a branch that never ran prevents it", () => {
  for (const protocol of protocols) {
    const { vote, backwardState } = verbTable[protocol];
    const prevented = applyCommand(undefined, command("query-or-prevent", { protocol, epoch: 8 }));
    assert.deepEqual(prevented.answer, { kind: "done", state: backwardState });
    assert.equal(prevented.record?.epoch, 8);
    assert.equal(applyCommand(prevented.record, command(vote, { epoch: 8 })).answer.kind, "refused");
  }
});

test("P3 query-or-prevent on a branch that ran returns its state, with the reason of a refusal", () => {
  const refused = applyCommand(undefined, command("prepare"), { result: soldOut }).record;
  const query = (record: BranchRecord | undefined) => applyCommand(record, command("query-or-prevent")).answer;
  assert.deepEqual(query(after(["prepare"])), { kind: "done", state: "prepared" });
  assert.deepEqual(query(after(["prepare", "commit"])), { kind: "done", state: "committed" });
  assert.deepEqual(query(refused), { kind: "done", state: "aborted", refusal: "sold_out" });
});

test("P3 aborting a branch that refused keeps the reason", () => {
  const refused = applyCommand(undefined, command("prepare"), { result: soldOut }).record;
  const { answer, record } = applyCommand(refused, command("abort"));
  assert.deepEqual(answer, { kind: "done", state: "aborted", refusal: "sold_out" });
  assert.deepEqual(record, refused);
});

test("P4 a duplicate gets the stored answer without running the business", () => {
  for (const history of [["prepare"], ["execute"], ["prepare", "commit"], ["prepare", "abort"]] as const) {
    const record = after(history);
    const duplicate = applyCommand(record, command(history.at(-1) ?? "prepare"), { result: soldOut });
    assert.deepEqual(duplicate, { answer: { kind: "done", state: record.state }, record });
  }
});

test("P4 the same txId with another payload is a mismatch and changes nothing", () => {
  const refused = applyCommand(undefined, command("prepare"), { result: soldOut }).record;
  for (const record of [after(["prepare"]), after(["prepare", "commit"]), refused]) {
    for (const verb of ["prepare", "query-or-prevent"] as const) {
      const applied = applyCommand(record, command(verb, { payload: { item: 7, amount: 3 } }));
      assert.deepEqual(applied, { answer: { kind: "mismatch" }, record });
    }
  }
});

test("P4 the order of keys is no other payload", () => {
  const { answer } = applyCommand(after(["prepare"]), command("prepare", { payload: { amount: 2, item: 7 } }));
  assert.deepEqual(answer, { kind: "done", state: "prepared" });
});

test("P4 a yes vote remembers payload, memo and origin for what comes later", () => {
  const memo = { hold: 3 };
  const { record } = applyCommand(undefined, command("prepare"), { result: { kind: "ok", memo } });
  assert.equal(record?.payloadHash, fingerprintOf({ item: 7, amount: 2 }));
  assert.deepEqual(
    [record?.payload, record?.memo, record?.origin],
    [{ item: 7, amount: 2 }, memo, command("prepare").origin],
  );
  assert.deepEqual([record?.begunAt, record?.epoch, record?.forgotten], [begunAt, 5, false]);
});

test("P4 the record of another branch is never judged", () => {
  const record = after(["prepare"]);
  for (const change of [{ txId: "order-2#0.1" }, { branchId: "stock/1" }]) {
    assert.throws(() => applyCommand(record, command("prepare", change)), { rule: "P4" });
  }
});

test("C7 a branch follows the protocol that it voted in, whatever a later life of the attempt chose", () => {
  const cases = [
    ["prepare", "execute", { kind: "done", state: "prepared" }, undefined],
    ["prepare", "complete", { kind: "done", state: "committed" }, "commit"],
    ["prepare", "compensate", { kind: "done", state: "aborted" }, "abort"],
    ["execute", "prepare", { kind: "done", state: "executed" }, undefined],
    ["execute", "commit", { kind: "done", state: "completed" }, undefined],
    ["execute", "abort", { kind: "done", state: "compensated" }, "compensate"],
  ] as const;
  for (const [voted, verb, answer, operation] of cases) {
    const applied = applyCommand(after([voted]), command(verb));
    assert.deepEqual([applied.answer, applied.operation], [answer, operation], `${verb} after ${voted}`);
  }
});

test("P5 a lower epoch is fenced with the highest seen, whatever the verb and state", () => {
  for (const { history, protocol } of [...finals, { protocol: "2pc", history: ["prepare"] } as const]) {
    const record = { ...after(history), epoch: 9 };
    for (const verb of verbs) {
      const applied = applyCommand(record, command(verb, { protocol, epoch: 8 }));
      assert.deepEqual(applied, { answer: { kind: "fenced", epoch: 9 }, record }, `${verb} on ${record.state}`);
    }
  }
});

test("P5 the highest epoch is recorded on duplicates, tombstones, conflicts and questions", () => {
  const refused = applyCommand(undefined, command("prepare"), { result: soldOut }).record;
  const cases: readonly [BranchRecord | undefined, Verb][] = [
    [after(["prepare"]), "prepare"],
    [after(["prepare"]), "query-or-prevent"],
    [after(["prepare"]), "commit"],
    [after(["prepare"]), "abort"],
    [after(["prepare", "commit"]), "commit"],
    [after(["prepare", "commit"]), "abort"],
    [after(["prepare", "commit"]), "forget"],
    [after(["prepare", "commit", "forget"]), "forget"],
    [after(["abort"]), "prepare"],
    [refused, "prepare"],
  ];
  for (const [record, verb] of cases) {
    const raised = applyCommand(record, command(verb, { epoch: 12 })).record;
    assert.equal(raised?.epoch, 12, `${verb} on ${record?.state}`);
    assert.equal(applyCommand(raised, command(verb, { epoch: 11 })).answer.kind, "fenced");
  }
});

test("P5 order of checks: the fence comes before the stored answer and before a mismatch", () => {
  const record = { ...after(["prepare"]), epoch: 9 };
  for (const payload of [{ item: 7, amount: 2 }, "other"]) {
    assert.equal(applyCommand(record, command("prepare", { payload })).answer.kind, "fenced");
  }
});

test("P5 order of checks: the stored answer comes before expiry and deadline (P8 never before P4)", () => {
  for (const now of [deadlineAt + 60_000, expiry + 1, expiry * 3]) {
    const record = after(["prepare"]);
    assert.deepEqual(applyCommand(record, command("prepare"), { now }).answer, { kind: "done", state: "prepared" });
    assert.equal(applyCommand(record, command("commit"), { now }).record?.state, "committed");
  }
});

test("P5 order of checks: expiry comes before the deadline, the deadline before the business", () => {
  assert.deepEqual(applyCommand(undefined, command("prepare"), { now: expiry + 1 }), {
    answer: { kind: "expired" },
    record: undefined,
  });
  const late = applyCommand(undefined, command("prepare"), { now: expiry });
  assert.deepEqual(late.answer, { kind: "refused", reason: "deadline_passed" });
  assert.equal(late.operation, undefined);
});

test("P6 no age and no question releases a yes vote", () => {
  for (const verb of ["prepare", "execute"] as const) {
    const protocol = verb === "prepare" ? "2pc" : "saga";
    const record = after([verb]);
    for (const asked of ["query-or-prevent", verb, "forget"] as const) {
      const applied = applyCommand(record, command(asked, { protocol }), { now: expiry * 10 });
      assert.deepEqual(applied.record, record);
    }
  }
});

test("P6 whatever is not final and forgotten asks; what ended backward does not", () => {
  for (const { history, state } of finals) {
    assert.equal(shouldAsk(after(history)), state === "committed" || state === "completed", state);
    assert.equal(shouldAsk(after([...history, "forget"])), false, `${state}, forgotten`);
  }
  assert.ok(shouldAsk(after(["prepare"])) && shouldAsk(after(["execute"])));
});

test("P7 a command for an absent branch expires right after maxAge and leaves nothing", () => {
  for (const verb of verbs.filter((each) => each !== "forget")) {
    const judge = (now: number) => judgeCommand(undefined, command(verb), { now, limits: defaultLimits });
    assert.deepEqual(judge(expiry + 1), { kind: "answer", answer: { kind: "expired" } }, verb);
    assert.notDeepEqual(judge(expiry), { kind: "answer", answer: { kind: "expired" } }, verb);
  }
});

test("P7 backward-final records go at 2 × maxAge, forward-final ones only when forgotten, yes states never", () => {
  const goneAt = begunAt + 2 * defaultLimits.maxAgeMs;
  for (const { history, state } of finals) {
    const forward = state === "committed" || state === "completed";
    assert.equal(removableAt(after(history), defaultLimits), forward ? undefined : goneAt, state);
    assert.equal(removableAt(after([...history, "forget"]), defaultLimits), goneAt, `${state}, forgotten`);
  }
  assert.equal(removableAt(after(["prepare"]), defaultLimits), undefined);
  assert.equal(removableAt(after(["execute"]), defaultLimits), undefined);
});

test("P8 a first phase 1 past its deadline and the skew is refused with a tombstone", () => {
  for (const verb of ["prepare", "execute"] as const) {
    const edge = deadlineAt + defaultLimits.clockSkewMs;
    assert.equal(applyCommand(undefined, command(verb), { now: edge }).answer.kind, "done");
    const late = applyCommand(undefined, command(verb), { now: edge + 1 });
    assert.deepEqual(late.answer, { kind: "refused", reason: "deadline_passed" });
    assert.equal(applyCommand(late.record, command(verb), { now: begunAt }).answer.kind, "refused");
  }
});

test("P9 commit on an absent branch inside maxAge is applied again and remembered", () => {
  const applied = applyCommand(undefined, command("commit"), { now: expiry, result: { kind: "ok", memo: "m" } });
  assert.equal(applied.operation, "reapply");
  assert.deepEqual(applied.answer, { kind: "done", state: "committed" });
  assert.deepEqual([applied.record?.state, applied.record?.payload], ["committed", { item: 7, amount: 2 }]);
  assert.equal(applyCommand(applied.record, command("commit")).operation, undefined, "once");
});

test("P9 what cannot be applied again is a hazard and leaves no record", () => {
  const hazard = (received: Command, surroundings: Surroundings) => applyCommand(undefined, received, surroundings);
  assert.deepEqual(hazard(command("commit"), { result: { kind: "refused", reason: "floor" } }), {
    answer: { kind: "hazard", reason: "floor" },
    record: undefined,
    operation: "reapply",
  });
  assert.equal(hazard(command("commit"), { result: { kind: "contended" } }).answer.kind, "hazard");
  const saga = hazard(command("complete"), {});
  assert.deepEqual(saga, { answer: { kind: "hazard", reason: "vote_lost" }, record: undefined });
});

test("P9, T6 a commit outside maxAge, after everything was forgotten and removed, is not applied again", () => {
  const { answer, operation } = applyCommand(undefined, command("commit"), { now: expiry + 1 });
  assert.deepEqual([answer, operation], [{ kind: "expired" }, undefined]);
});

test("T7 a branch that lost its vote refuses the late phase 1 and then conflicts with commit", () => {
  const refused = applyCommand(undefined, command("prepare"), { now: deadlineAt + 1_000 }).record;
  assert.deepEqual(applyCommand(refused, command("commit")).answer, { kind: "conflict", state: "aborted" });
});

test("P10 contended is no vote: nothing is recorded and the next try runs the business again", () => {
  const contended = applyCommand(undefined, command("prepare"), { result: { kind: "contended" } });
  assert.deepEqual([contended.answer, contended.record], [{ kind: "contended" }, undefined]);
  assert.equal(applyCommand(contended.record, command("prepare")).answer.kind, "done");
});

test("forget keeps what a late duplicate needs and drops the rest", () => {
  const record = after(["prepare", "commit"], { result: { kind: "ok", memo: 1 } });
  const forgotten = applyCommand(record, command("forget"));
  assert.deepEqual(forgotten.answer, { kind: "forgotten" });
  const { payload: _payload, memo: _memo, origin: _origin, ...kept } = record;
  assert.deepEqual(forgotten.record, { ...kept, forgotten: true });
  assert.deepEqual(applyCommand(forgotten.record, command("prepare")).answer, { kind: "done", state: "committed" });
  assert.deepEqual(applyCommand(forgotten.record, command("commit")).answer, { kind: "done", state: "committed" });
});

test("forget twice, or of nothing, is forgotten; forget of a yes vote is a conflict", () => {
  const forgotten = after(["prepare", "abort", "forget"]);
  assert.deepEqual(applyCommand(forgotten, command("forget")).record, forgotten);
  assert.deepEqual(applyCommand(undefined, command("forget")), { answer: { kind: "forgotten" }, record: undefined });
  const prepared = after(["prepare"]);
  const applied = applyCommand(prepared, command("forget"));
  assert.deepEqual(applied, { answer: { kind: "conflict", state: "prepared" }, record: prepared });
});

// Random histories of one branch: every verb, both protocols, duplicates, old and new epochs, any time.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BranchRecord, judgeCommand, type ActionResult, removableAt, shouldAsk } from "./branch.ts";
import { applyCommand, begunAt, command } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { Command } from "./messages.ts";
import {
  type BranchState,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  type Protocol,
  type Verb,
  type VerbRole,
  verbRole,
  verbTable,
} from "./verbs.ts";

interface Receipt {
  readonly command: Command;
  readonly now: number;
  readonly result: ActionResult;
}

const allRoles: readonly VerbRole[] = ["vote", "forward", "backward", "query", "forget"];
const paths: Readonly<Record<Protocol, readonly string[]>> = {
  "2pc": ["prepared", "aborted", "committed", "prepared→committed", "prepared→aborted"],
  saga: ["executed", "compensated", "executed→completed", "executed→compensated"],
};

function verbOf(role: VerbRole, protocol: Protocol): Verb {
  if (role === "query") return "query-or-prevent";
  return role === "forget" ? role : verbTable[protocol][role];
}

const receipt = (protocol: Protocol): fc.Arbitrary<Receipt> =>
  fc
    .record({
      role: fc.constantFrom(...allRoles, "vote" as const),
      epoch: fc.integer({ min: 1, max: 5 }),
      otherPayload: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
      now: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: begunAt, max: begunAt + 9_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: begunAt + 9_000, max: begunAt + 3 * defaultLimits.maxAgeMs }) },
      ),
      result: fc.oneof(
        { weight: 4, arbitrary: fc.constant<ActionResult>({ kind: "ok", memo: "memo" }) },
        { weight: 1, arbitrary: fc.constant<ActionResult>({ kind: "refused", reason: "sold_out" }) },
        { weight: 1, arbitrary: fc.constant<ActionResult>({ kind: "contended" }) },
      ),
    })
    .map(({ role, epoch, otherPayload, now, result }) => ({
      command: command(verbOf(role, protocol), { protocol, epoch, payload: otherPayload ? "other" : "payload" }),
      now,
      // The business keeps its word: what was voted yes can be finished either way (P2).
      result: role === "vote" || role === "forward" ? result : { kind: "ok" as const },
    }));

const history = fc
  .constantFrom<Protocol>("2pc", "saga")
  .chain((protocol) => fc.array(receipt(protocol), { maxLength: 12 }));

/** What the business says to an operation on a record that may be there. */
function receive(record: BranchRecord | undefined, { command: received, now, result }: Receipt) {
  return applyCommand(record, received, { now, result: record === undefined ? result : { kind: "ok" } });
}

function assertPath(before: BranchRecord | undefined, after: BranchRecord): void {
  if (before?.state === after.state) return;
  const path = before === undefined ? after.state : `${before.state}→${after.state}`;
  assert.ok(paths[after.protocol].includes(path), path);
}

test("P1, P2, P3 every history follows the paths of the verb table, and final is final", () => {
  const seen = new Set<BranchState>();
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const { record: next } = receive(record, received);
        if (next === undefined) {
          assert.equal(record, undefined, "a record never vanishes");
          continue;
        }
        seen.add(next.state);
        assertPath(record, next);
        if (record !== undefined) {
          assert.equal(next.refusal, record.refusal, "a reason is given once");
          assert.deepEqual([next.begunAt, next.protocol], [record.begunAt, record.protocol]);
          assert.ok(next.forgotten || !record.forgotten, "forgotten is for ever");
        }
        record = next;
      }
    }),
    { numRuns: 1_000 },
  );
  assert.equal(seen.size, 6, "every state is reached");
});

test("P5 the epoch of a record is the highest it received, and lower ones change nothing", () => {
  let fenced = 0;
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const { epoch } = received.command;
        const { answer, record: next } = receive(record, received);
        if (record !== undefined && epoch < record.epoch) {
          fenced += 1;
          assert.deepEqual(answer, { kind: "fenced", epoch: record.epoch });
          assert.equal(next, record);
        } else {
          assert.notEqual(answer.kind, "fenced");
          if (next !== undefined) assert.equal(next.epoch, epoch);
        }
        record = next;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(fenced > 0);
});

test("P4 a command delivered twice gets the same answer and changes nothing the second time", () => {
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const first = receive(record, received);
        const again = applyCommand(first.record, received.command, {
          now: received.now + 1,
          result: first.record === undefined ? received.result : { kind: "refused", reason: "asked twice" },
        });
        if (first.record !== undefined) {
          assert.deepEqual(again, { answer: first.answer, record: first.record }, "no operation, same answer");
        }
        record = first.record;
      }
    }),
    { numRuns: 1_000 },
  );
});

test("P3, P4 the first vote stands whatever comes late: once no always no, yes never turns into no by itself", () => {
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const before = record;
        const { answer, record: next, operation } = receive(record, received);
        record = next;
        const role = verbRole(received.command.verb);
        if (before === undefined || role !== "vote" || answer.kind === "fenced" || answer.kind === "mismatch") continue;
        assert.equal(operation, undefined);
        if (isBackwardFinal(before.state)) {
          assert.deepEqual(answer, { kind: "refused", reason: before.refusal ?? "prevented" });
        } else {
          assert.deepEqual(answer, { kind: "done", state: before.state });
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("P2, P6 a yes vote is left only by a phase-2 verb of at least its epoch", () => {
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const { record: next } = receive(record, received);
        if (record !== undefined && isYesState(record.state) && next?.state !== record.state) {
          const role = verbRole(received.command.verb);
          assert.ok(role === "forward" || role === "backward");
          assert.ok(received.command.epoch >= record.epoch);
          assert.equal(next?.state, verbTable[record.protocol][`${role}State`]);
        }
        record = next;
      }
    }),
    { numRuns: 500 },
  );
});

test("P7 a branch that never was stays absent after maxAge, and nothing is removed that could still act", () => {
  const old = begunAt + defaultLimits.maxAgeMs + 1;
  fc.assert(
    fc.property(history, (receipts) => {
      let record: BranchRecord | undefined;
      for (const received of receipts) {
        const late = judgeCommand(undefined, received.command, { now: old, limits: defaultLimits });
        assert.ok(late.kind === "answer" && late.record === undefined);
        assert.ok(late.answer.kind === "expired" || late.answer.kind === "forgotten");
        record = receive(record, received).record;
        if (record === undefined) continue;
        const goneAt = removableAt(record, defaultLimits);
        const finished = isBackwardFinal(record.state) || (isForwardFinal(record.state) && record.forgotten);
        assert.equal(goneAt !== undefined, finished);
        assert.ok(goneAt === undefined || goneAt > record.begunAt + defaultLimits.maxAgeMs, "then it is `expired`");
        assert.ok(goneAt !== undefined || shouldAsk(record), "whatever stays asks");
      }
    }),
    { numRuns: 500 },
  );
});

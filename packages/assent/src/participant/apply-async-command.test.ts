// A handler that waits for its database follows the same rules as a synchronous one.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../testing/index.ts";
import {
  type Answer,
  type BranchRecord,
  type Command,
  defaultLimits,
  type BranchAction,
  type ActionResult,
  verbRole,
  verbs,
} from "../protocol/index.ts";
import { applyAsyncCommand } from "./apply-async-command.ts";
import { applyCommand } from "./apply-command.ts";
import type { AsyncBranchStep } from "./async-branch-handler.ts";
import { HandlerFailed } from "./handler-result.ts";

type Handle = (step: AsyncBranchStep<string[]>, operation: BranchAction) => unknown;

const begunAt = new VirtualClock().now();

function command(verb: Command["verb"], change: Partial<Command> = {}): Command {
  const protocol = verb === "execute" || verb === "complete" || verb === "compensate" ? "saga" : "2pc";
  const isVote = verbRole(verb) === "vote";
  const base = { txId: "k:i:1", branchId: "b/0", verb, protocol, epoch: 1, begunAt, payload: { n: 1 } } as const;
  return { ...base, ...(isVote && { origin: "o", deadlineAt: begunAt + 9_000 }), ...change };
}

/** One branch in a database of one list, whose transactions end with the answer. */
class Database {
  readonly clock = new VirtualClock();
  record: BranchRecord | undefined;
  effects: readonly string[] = [];
  handle: Handle;

  constructor(handle: Handle) {
    this.handle = handle;
  }

  async apply(received: Command): Promise<Answer> {
    const effects = [...this.effects];
    let { record } = this;
    const doing = (operation: BranchAction) => (step: AsyncBranchStep<string[]>) =>
      this.handle(step, operation) as Promise<ActionResult>;
    const answer = await applyAsyncCommand(received, {
      records: {
        read: () => Promise.resolve(record),
        write: (next) => Promise.resolve(void (record = next)),
      },
      db: effects,
      undo: () => Promise.resolve(void effects.splice(0, Infinity, ...this.effects)),
      handler: handlerOf(doing),
      limits: defaultLimits,
      now: this.clock.now(),
      clock: this.clock,
    });
    [this.record, this.effects] = [record, effects];
    return answer;
  }
}

function handlerOf<Doing>(doing: (operation: BranchAction) => Doing) {
  return {
    prepare: doing("prepare"),
    commit: doing("commit"),
    abort: doing("abort"),
    execute: doing("execute"),
    compensate: doing("compensate"),
    reapply: doing("reapply"),
  };
}

const working: Handle = async ({ db, payload }, operation) => {
  await Promise.resolve();
  db.push(operation);
  return { kind: "ok", memo: { operation, payload } };
};

test("it answers, keeps and runs what the synchronous way does, on any history", async () => {
  const received = fc.record({
    verb: fc.constantFrom(...verbs),
    epoch: fc.integer({ min: 1, max: 2 }),
    refuses: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(received, { maxLength: 8 }), async (history) => {
      const database = new Database(working);
      let record: BranchRecord | undefined;
      const ran: string[] = [];
      for (const { verb, epoch, refuses } of history) {
        const isVote = verbRole(verb) === "vote";
        const result = { kind: "refused", reason: "no" } as const;
        database.handle = (step, operation) => (refuses && isVote ? result : working(step, operation));
        const doing = (operation: BranchAction) => (): ActionResult => {
          if (refuses && isVote) return result;
          ran.push(operation);
          return { kind: "ok", memo: { operation, payload: { n: 1 } } };
        };
        const expected = applyCommand(command(verb, { epoch }), {
          records: { read: () => record, write: (next) => void (record = next) },
          view: undefined,
          handler: handlerOf(doing),
          limits: defaultLimits,
          now: database.clock.now(),
        });
        assert.deepEqual(await database.apply(command(verb, { epoch })), expected);
        assert.deepEqual(database.record, record);
        assert.deepEqual(database.effects, ran);
      }
    }),
  );
});

test("P3 what a handler did before it refused is undone, and its tombstone stays", async () => {
  const database = new Database(async ({ db }) => {
    db.push("half of it");
    await Promise.resolve();
    return { kind: "refused", reason: "sold_out" };
  });
  assert.deepEqual(await database.apply(command("prepare")), { kind: "refused", reason: "sold_out" });
  assert.deepEqual([database.effects, database.record?.state], [[], "aborted"]);
});

test("P10 what a handler did before it was contended is undone, and leaves no record", async () => {
  const database = new Database(({ db }) => (db.push("half of it"), { kind: "contended" }));
  assert.deepEqual(await database.apply(command("prepare")), { kind: "contended" });
  assert.deepEqual([database.effects, database.record], [[], undefined]);
});

const bugs: readonly (readonly [what: string, handle: () => unknown, message: RegExp])[] = [
  ["throws", () => assert.fail("a bug"), /prepare threw .*a bug/],
  ["rejects", () => Promise.reject(new Error("a bug")), /prepare threw Error: a bug/],
  ["returns nothing", () => Promise.resolve(), /returned undefined/],
  ["returns what cannot be carried", () => ({ kind: "ok", output: { at: new Map() } }), /the output .* carried/],
  ["returns too much", () => ({ kind: "ok", output: "x".repeat(4_095) }), /4097 bytes, limit 4096/],
];

for (const [what, handle, message] of bugs) {
  test(`M3 a handler that ${what} fails its step, and nothing of it is kept`, async () => {
    const database = new Database(({ db }) => {
      db.push("half of it");
      return handle();
    });
    await assert.rejects(database.apply(command("prepare")), (error) => {
      assert.ok(error instanceof HandlerFailed);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual([database.effects, database.record], [[], undefined]);
  });
}

for (const [verb, voteMs, limitMs] of [
  ["prepare", 9_000, 9_000 + defaultLimits.clockSkewMs],
  ["prepare", 90_000, defaultLimits.answerWaitMs],
  ["commit", undefined, defaultLimits.answerWaitMs],
] as const) {
  test(`a handler that never returns fails after ${limitMs} ms in ${verb}, and is signalled`, async () => {
    const signals: AbortSignal[] = [];
    const database = new Database(({ signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const applied = database.apply(command(verb, voteMs === undefined ? {} : { deadlineAt: begunAt + voteMs }));
    const failed = assert.rejects(applied, { code: "handler_failed", message: /did not finish within/ });
    await database.clock.advance(limitMs - 1);
    assert.equal(signals[0]?.aborted, false);
    await database.clock.advance(1);
    await database.clock.until(failed, 0);
    assert.deepEqual([signals[0]?.aborted, database.record], [true, undefined]);
  });
}

test("P4 what a vote returned is answered again, also forward, and not once it is undone or forgotten", async () => {
  const output = { reference: "r1" };
  const database = new Database((_step, operation) =>
    operation === "prepare" ? { kind: "ok", output } : { kind: "ok" },
  );
  for (const verb of ["prepare", "prepare", "query-or-prevent"] as const) {
    assert.deepEqual(await database.apply(command(verb)), { kind: "done", state: "prepared", output });
  }
  const { record } = database;
  assert.deepEqual(await database.apply(command("abort")), { kind: "done", state: "aborted" });
  database.record = record;
  assert.deepEqual(await database.apply(command("commit")), { kind: "done", state: "committed", output });
  await database.apply(command("forget"));
  assert.deepEqual(await database.apply(command("commit")), { kind: "done", state: "committed" });
});

test("only a vote, or a lost vote that is applied again, returns an output", async () => {
  const database = new Database(() => ({ kind: "ok", output: 1 }));
  await database.apply(command("prepare"));
  await assert.rejects(database.apply(command("commit")), { message: /commit returned an output/ });
  database.record = undefined;
  assert.deepEqual(await database.apply(command("commit")), { kind: "done", state: "committed", output: 1 });
});

// An account that a store has lost: a command about it never makes a new one, or half of one.
import { ledgerHandler, ledgerOperations } from "../ledger/index.ts";
import { type Command, defaultLimits, type Verb } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryBranches } from "./memory-store.ts";

const begunAt = 1_800_000_000_000;

const command = (verb: Verb): Command => ({
  txId: "k:i:1",
  branchId: "stock/0",
  verb,
  protocol: verb === "complete" || verb === "compensate" ? "saga" : "2pc",
  epoch: begunAt,
  begunAt,
  deadlineAt: begunAt + defaultLimits.phaseOneDeadlineMs,
  payload: { entries: [["gone", 3]] },
  origin: "origin",
});

test("a decision about a missing account creates no account", async () => {
  for (const [verb, answer] of [
    ["commit", "hazard"],
    ["complete", "hazard"],
    ["abort", "done"],
    ["compensate", "done"],
  ] as const) {
    const { store, run } = memoryBranches(
      ledgerHandler({ insufficient: "sold_out", absent: "no_such_item" }),
      ledgerOperations,
      {
        clock: { now: () => begunAt, monotonic: () => 0, after: () => ({ cancel: () => undefined }) },
        schedule: setImmediate,
      },
    );
    assert.deepEqual(
      (await store.apply([command(verb)])).map(({ kind }) => kind),
      [answer],
    );
    assert.equal(await run(ledgerOperations.findAccount, { accountId: "gone" }), null, verb);
    assert.equal((await run(ledgerOperations.totals, undefined)).accounts, 0, verb);
  }
});

import { rowTable } from "assent/internal/engine";
import { isName } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brokenAges, brokenSweeps } from "../../test-kit/broken-ages.ts";
import { brokenBegins } from "../../test-kit/broken-begins.ts";
import { brokenHistories } from "../../test-kit/broken-histories.ts";
import { brokenKeys } from "../../test-kit/broken-keys.ts";
import { brokenLeases } from "../../test-kit/broken-leases.ts";
import { brokenLedgers } from "../../test-kit/broken-ledgers.ts";
import { brokenPort, brokenStore, goodStore } from "../../test-kit/broken-operations.ts";
import { brokenRebuilds } from "../../test-kit/broken-rebuilds.ts";
import { brokenSteps } from "../../test-kit/broken-steps.ts";
import { brokenIndexes } from "../../test-kit/broken-indexes.ts";
import { brokenWrites } from "../../test-kit/broken-writes.ts";
import type { Broken } from "../../test-kit/catches.ts";
import type { KeyedAdapter } from "../keyed-adapters.ts";
import type { Open } from "../suite.ts";
import { TestClock } from "../test-clock.ts";
import { differentialCases, type DifferentialOptions, differentialSuite, Disagreement } from "./differential.ts";

/** What the suites of single ports catch, too. */
const suites: readonly Broken<KeyedAdapter>[] = [
  ...brokenBegins,
  ...brokenWrites,
  ...brokenIndexes,
  ...brokenRebuilds,
  ...brokenHistories,
  ...brokenKeys,
  ...brokenSteps,
  ...brokenAges,
  ...brokenSweeps,
  ...brokenLedgers,
  ...brokenLeases,
];

const outOfReach: readonly string[] = [
  // Of more than a hundred rows, where a run puts two together.
  "puts only the first of many rows",
  // No transaction of a run is written to so often.
  "has histories without end",
  "drops the beginning of a history that is full",
];

const broken: readonly Pick<Broken<KeyedAdapter>, "that" | "open">[] = [
  ...suites.filter(({ that }) => !outOfReach.includes(that)),
  {
    that: "changes the row of a commit twice",
    open: brokenStore(({ decide }) => ({
      decide(tables, request, context) {
        const result = decide(tables, request, context);
        if (result.kind !== "written" || request.decision !== "commit") return result;
        const row = tables.get(rowTable, result.record.key);
        if (row === undefined) return result;
        const increments = Object.entries(request.change?.increment ?? {});
        const twice = increments.map(([field, by]): [string, number] => [field, Number(row.fields[field]) + by]);
        tables.put(rowTable, row.key, { ...row, fields: { ...row.fields, ...Object.fromEntries(twice) } });
        return result;
      },
    })),
  },
  ...[
    { that: "cuts a name at its first NUL", of: (key: string) => key.split("\u0000", 1)[0] ?? "" },
    { that: "cuts a long name", of: (key: string) => key.slice(0, 300) },
    { that: "has a name for what has none", of: (key: string) => key || "k\ufffd" },
  ].map(({ that, of }) => ({
    that,
    open: brokenStore(({ putRow, readRow }) => ({
      putRow: (tables, { key, ...request }, context) => putRow(tables, { ...request, key: of(key) }, context),
      readRow: (tables, { key }, context) => readRow(tables, { key: of(key) }, context),
    })),
  })),
  {
    that: "refuses a name that is only unusual",
    open: brokenPort(({ rows }) => ({
      rows: {
        ...rows,
        readRow: (key) => (isName(key) ? rows.readRow(key) : Promise.reject(new Error("no such name"))),
      },
    })),
  },
  {
    that: "says done where it may not know",
    open: brokenPort(({ store }) => ({
      store: {
        sweep: (limit) => store.sweep(limit),
        apply: async (commands) =>
          (await store.apply(commands)).map((answer) =>
            answer.kind === "unknown" ? { kind: "done", state: "committed" } : answer,
          ),
      },
    })),
  },
  {
    that: "rejects a read of what is not there",
    open: brokenPort(({ log }) => ({
      log: {
        ...log,
        read: async (txId) => (await log.read(txId)) ?? Promise.reject(new Error("there is no such record")),
      },
    })),
  },
  {
    that: "answers where it has to reject",
    open: brokenPort(({ accounts }) => ({
      accounts: {
        ...accounts,
        deposit: (accountId, amount) => accounts.deposit(accountId, amount).catch(() => ({ kind: "absent" })),
      },
    })),
  },
];

/** What a run of the oracle comes to. */
async function failureOf(open: Open<KeyedAdapter>, options: Partial<DifferentialOptions>): Promise<unknown> {
  for (const { run } of differentialCases(options).cases) {
    const clock = new TestClock();
    const { adapter, close } = await open(clock);
    try {
      await run(adapter, clock);
    } catch (error) {
      return error;
    } finally {
      await close();
    }
  }
  return undefined;
}

describe("the differential oracle", () => {
  differentialSuite(goodStore, { seeds: [4, 5, 6, 7] });

  for (const { that, open } of broken) {
    test(`catches an adapter that ${that}`, async () => {
      const failure = await failureOf(open, { seeds: [10, 1, 2, 3] });
      assert.ok(failure instanceof Disagreement, `it is not caught: ${String(failure)}`);
    });
  }

  test("every adapter that is out of reach is one of those that the suites catch", () => {
    const names = suites.map(({ that }) => that);
    for (const that of outOfReach) assert.ok(names.includes(that), that);
  });

  test("a disagreement names seed, round, call, both answers and what was called before", async () => {
    const { open } = brokenLeases.find(({ that }) => that === "lets anybody release") ?? assert.fail();
    const failure = await failureOf(open, { seeds: [8] });
    assert.ok(failure instanceof Disagreement);
    const lines = failure.message.split("\n");
    assert.match(lines[0] ?? "", /^seed 8, round \d+, at \d+: lease\.\w+\("/);
    assert.match(lines[1] ?? "", /the model answers +\{"answer":/);
    assert.match(lines[2] ?? "", /the adapter answers \{/);
    assert.equal(lines.length, 4 + 10);
    assert.deepEqual(await failureOf(open, { seeds: [8] }), failure, "a seed repeats its run");
  });

  test("a run in which something never happens fails, and names it", async () => {
    const failure = await failureOf(goodStore, { seeds: [1], roundsMin: 0, roundsMax: 20 });
    assert.match(String(failure), /after 20 rounds, never:\n(.*\n)*  R5 a later attempt was made\n/);
  });
});

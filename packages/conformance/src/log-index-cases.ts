// The index of unfinished records: by owner and deadline, so that a sweep reads what is due (R4, R7).
import { unfinishedRecords } from "assent/internal/coordinator";
import { type UnfinishedRange } from "assent/internal/ports";
import type { TransactionRecord } from "assent/internal/protocol";
import { compareKeys } from "assent/internal/engine";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { LogAdapter } from "./adapters.ts";
import { begun, broughtBack, decided, decision, lostRecord, orderBegun, owner } from "./log-requests.ts";
import type { Case } from "./suite.ts";
import type { TestClock } from "./test-clock.ts";

const idsOf = (records: readonly TransactionRecord[]): readonly string[] => records.map(({ txId }) => txId);

async function unfinishedIds({ log }: LogAdapter): Promise<readonly string[]> {
  return idsOf(await unfinishedRecords(log, 1_000));
}

/** Names of orders from both sides of each border that UTF-16 and UTF-8 draw differently. */
function orderName(index: number): string {
  return `order-${["", "\uffff", "\u{10000}", "\ue000"][index % 4] ?? ""}${index}`;
}

/** Begins a transaction of each owner and deadline; answers the records. */
async function begunAll(
  adapter: LogAdapter,
  clock: TestClock,
  wanted: readonly { readonly owner: string; readonly inMs?: number }[],
): Promise<readonly TransactionRecord[]> {
  const keys = wanted.map((_, index) => orderName(index));
  await adapter.rows.putRows(
    "life1",
    keys.map((key) => [key, {}]),
  );
  return Promise.all(
    wanted.map((each, index) =>
      begun(adapter, clock, {
        key: orderName(index),
        owner: each.owner,
        deadlineAt: clock.now() + (each.inMs ?? 10_000),
      }),
    ),
  );
}

/** Everything that `unfinished` answers, and how many records each page had. */
async function readInPages(
  { log }: LogAdapter,
  range: UnfinishedRange,
): Promise<{ readonly records: readonly TransactionRecord[]; readonly sizes: readonly number[] }> {
  const records: TransactionRecord[] = [];
  const sizes: number[] = [];
  for (;;) {
    const last = records.at(-1);
    const page = await log.unfinished(owner, { ...range, ...(last !== undefined && { after: last }) });
    records.push(...page);
    sizes.push(page.length);
    assert.ok(sizes.length < 100, "the pages come to an end");
    if (page.length < range.limit) return { records, sizes };
  }
}

export const indexCases: readonly Case<LogAdapter>[] = [
  {
    name: "R4 a transaction is unfinished until its end, not only until its decision",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      assert.deepEqual(await unfinishedRecords(adapter.log, 10), [record]);
      for (const outcome of ["commit", "abort"] as const) {
        await adapter.rows.putRow(outcome, "life1", {});
        const other = await begun(adapter, clock, { key: outcome });
        await decided(adapter, decision(other, outcome));
        assert.ok((await unfinishedIds(adapter)).includes(other.txId), `${outcome} decided, not ended`);
        await adapter.log.end(other);
        assert.deepEqual(await unfinishedIds(adapter), [record.txId], `${outcome} ended`);
      }
    },
  },
  {
    name: "R7 unfinished records are read in pages, by deadline, without gaps",
    async run(adapter, clock) {
      const deadlines = [500, 100, 400, 100, 300, 100, 200, 9_000_000, 600, 700, 800];
      const others = [{ owner: "order/a" }, { owner: "order/a.10" }];
      const all = await begunAll(adapter, clock, [...deadlines.map((inMs) => ({ owner, inMs })), ...others]);
      const own = all.slice(0, deadlines.length);
      const { records, sizes } = await readInPages(adapter, { limit: 4 });
      assert.deepEqual(sizes, [4, 4, 3]);
      assert.deepEqual(
        records,
        own.toSorted((a, b) => a.deadlineAt - b.deadlineAt || compareKeys(a.txId, b.txId)),
      );
      assert.equal((await unfinishedIds(adapter)).length, all.length);
    },
  },
  {
    name: "R7 only records whose deadline is before a time are read",
    async run(adapter, clock) {
      const all = await begunAll(adapter, clock, [
        ...[100, 200, 201, 300].map((inMs) => ({ owner, inMs })),
        { owner: "order/a.0", inMs: 100 },
        { owner: "order/a.2", inMs: 100 },
      ]);
      const deadlineBefore = clock.now() + 201;
      const { records } = await readInPages(adapter, { deadlineBefore, limit: 2 });
      assert.deepEqual(records, all.slice(0, 2));
      assert.deepEqual(await adapter.log.unfinished(owner, { deadlineBefore: clock.now(), limit: 10 }), []);
    },
  },
  {
    name: "R7 owners of unfinished records are listed in order, each once, whatever their names",
    async run(adapter, clock) {
      const owners = [
        "",
        " ",
        "!",
        '"',
        "order/a",
        "order/a ",
        "order/a!",
        "order/a.1",
        "~",
        "é",
        "日本",
        "\uffff",
        "\u{1f600}",
        "\u0000",
      ];
      const all = await begunAll(
        adapter,
        clock,
        [...owners, ...owners].map((each) => ({ owner: each })),
      );
      const listed: string[] = [];
      for (;;) {
        const page = await adapter.log.owners(listed.at(-1), 5);
        listed.push(...page);
        assert.ok(page.length <= 5 && listed.length <= owners.length, "no owner is listed twice");
        if (page.length < 5) break;
      }
      const orders = [owners.toSorted(), owners.toSorted(compareKeys)];
      assert.ok(
        orders.some((order) => isDeepStrictEqual(listed, order)),
        `neither by code units nor by bytes: ${JSON.stringify(listed)}`,
      );
      for (const each of owners) {
        const expected = all.filter((record) => record.owner === each);
        assert.deepEqual(
          idsOf(await adapter.log.unfinished(each, { limit: 10 })).toSorted(),
          idsOf(expected).toSorted(),
        );
      }
      for (const record of all) {
        await decided(adapter, decision(record, "abort"));
        await adapter.log.end(record);
      }
      assert.deepEqual(await adapter.log.owners(undefined, 5), []);
    },
  },
  {
    name: "R7 a takeover moves a record from its old owner to the new one, and its end removes it",
    async run(adapter, clock) {
      const record = await orderBegun(adapter, clock);
      const taker = { owner: "order/b.2", epoch: record.epoch + 1 };
      await adapter.log.takeOver({ txId: record.txId, seen: record, taker });
      assert.deepEqual(await adapter.log.owners(undefined, 5), [taker.owner]);
      assert.deepEqual(await adapter.log.unfinished(owner, { limit: 5 }), []);
      assert.deepEqual(idsOf(await adapter.log.unfinished(taker.owner, { limit: 5 })), [record.txId]);
      await decided(adapter, decision({ ...record, ...taker }, "commit"));
      await adapter.log.end({ txId: record.txId, ...taker });
      assert.deepEqual(await adapter.log.owners(undefined, 5), []);
    },
  },
  {
    name: "R7 a rebuilt record is listed under its new owner, by its original deadline",
    async run(adapter, clock) {
      const lost = lostRecord(clock, { deadlineAt: clock.now() - 5_000 });
      const rebuilt = await broughtBack(adapter, lost);
      const range = { deadlineBefore: clock.now() - 4_999, limit: 5 };
      assert.deepEqual(await adapter.log.unfinished(lost.owner, range), [rebuilt]);
    },
  },
];

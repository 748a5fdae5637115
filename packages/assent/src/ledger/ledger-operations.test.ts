// What a service does to its accounts outside of transactions, in a store, each as one atomic step.
import { TestClock } from "@assent/conformance";
import { memoryBranches, type MemoryBranches } from "../memory/index.ts";
import { nextTurn } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "./account.ts";
import { ledgerHandler } from "./ledger-handler.ts";
import { ledgerOperations } from "./ledger-operations.ts";

type Ledger = MemoryBranches;

function openLedger(): Ledger {
  const handler = ledgerHandler({ insufficient: "insufficient", absent: "absent" });
  return memoryBranches(handler, ledgerOperations, { clock: new TestClock(), schedule: nextTurn });
}

const accountWith = (parts: Partial<Account>): Account => ({
  generation: "g1",
  available: 0,
  held: 0,
  spent: 0,
  deposited: 0,
  withdrawn: 0,
  details: null,
  ...parts,
});

test("S2 an account is opened empty, with the details of the service, and found again", async () => {
  const { run } = openLedger();
  assert.equal(await run(ledgerOperations.findAccount, { accountId: "a" }), null);
  const details = { price: 7, name: "é" };
  assert.deepEqual(await run(ledgerOperations.openAccount, { accountId: "a", generation: "g1", details }), {
    accountId: "a",
  });
  assert.deepEqual(await run(ledgerOperations.findAccount, { accountId: "a" }), accountWith({ details }));
});

test("S2 deposits and withdrawals answer with the account as it is afterwards, and keep its details", async () => {
  const { run } = openLedger();
  await run(ledgerOperations.openAccount, { accountId: "a", generation: "g1", details: { price: 7 } });
  const deposited = accountWith({ available: 10, deposited: 10, details: { price: 7 } });
  assert.deepEqual(await run(ledgerOperations.deposit, { accountId: "a", amount: 10 }), {
    kind: "ok",
    account: deposited,
  });
  const withdrawn = { ...deposited, available: 6, withdrawn: 4 };
  assert.deepEqual(await run(ledgerOperations.withdraw, { accountId: "a", amount: 4 }), {
    kind: "ok",
    account: withdrawn,
  });
  assert.deepEqual(await run(ledgerOperations.findAccount, { accountId: "a" }), withdrawn);
});

test("S3 what cannot be done answers with the account as it stays, and makes none where none is", async () => {
  const { run } = openLedger();
  await run(ledgerOperations.seed, {
    first: 0,
    count: 1,
    generation: "g1",
    available: Number.MAX_SAFE_INTEGER - 1,
    details: null,
  });
  const account = await run(ledgerOperations.findAccount, { accountId: "0" });
  assert.deepEqual(await run(ledgerOperations.deposit, { accountId: "0", amount: 2 }), { kind: "too_large", account });
  assert.deepEqual(await run(ledgerOperations.findAccount, { accountId: "0" }), account);
  await run(ledgerOperations.seed, { first: 5, count: 1, generation: "g1", available: 5, details: null });
  const poor = await run(ledgerOperations.findAccount, { accountId: "5" });
  assert.deepEqual(await run(ledgerOperations.withdraw, { accountId: "5", amount: 6 }), {
    kind: "insufficient",
    account: poor,
  });
  for (const operation of ["deposit", "withdraw"] as const) {
    assert.deepEqual(await run(ledgerOperations[operation], { accountId: "1", amount: 1 }), { kind: "absent" });
    assert.equal(await run(ledgerOperations.findAccount, { accountId: "1" }), null);
  }
});

test("S3 a movement that would break an account fails as a step, and changes nothing", async () => {
  const { run } = openLedger();
  await run(ledgerOperations.seed, { first: 0, count: 1, generation: "g1", available: 10, details: null });
  const other = run(ledgerOperations.deposit, { accountId: "0", amount: 1 });
  for (const operation of ["withdraw", "deposit"] as const) {
    for (const amount of [-5, 0, 0.5, 1e13, Number.NaN]) {
      const failing = run(ledgerOperations[operation], { accountId: "0", amount });
      await assert.rejects(failing, { code: "step_failed", changed: "nothing", message: /S3/ });
    }
  }
  assert.equal((await other).kind, "ok", "a step of the same commit goes through");
  const account = accountWith({ available: 11, deposited: 11 });
  assert.deepEqual(await run(ledgerOperations.findAccount, { accountId: "0" }), account);
});

test("S2 seeding replaces the accounts of its range, and touches no other", async () => {
  const { run } = openLedger();
  await run(ledgerOperations.seed, { first: 8, count: 4, generation: "g1", available: 10, details: { price: 1 } });
  await run(ledgerOperations.deposit, { accountId: "10", amount: 5 });
  const seeded = { first: 9, count: 2, generation: "g2", available: 3, details: { price: 2 } };
  assert.equal(await run(ledgerOperations.seed, seeded), null);
  const before = accountWith({ available: 10, deposited: 10, details: { price: 1 } });
  const after = accountWith({ generation: "g2", available: 3, deposited: 3, details: { price: 2 } });
  const found = ["7", "8", "9", "10", "11", "12"].map((accountId) => run(ledgerOperations.findAccount, { accountId }));
  assert.deepEqual(await Promise.all(found), [null, before, after, after, before, null]);
  assert.equal(await run(ledgerOperations.seed, { ...seeded, count: 0, generation: "g3" }), null);
  assert.deepEqual(await run(ledgerOperations.findAccount, { accountId: "9" }), after);
});

test("S2 totals of nothing are zero", async () => {
  const sums = { accounts: 0, available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
  assert.deepEqual(await openLedger().run(ledgerOperations.totals, undefined), sums);
});

test("S2 totals are exact to the last number there is, and refused beyond it, never rounded", async () => {
  const { run } = openLedger();
  const most = Number.MAX_SAFE_INTEGER;
  await run(ledgerOperations.seed, { first: 0, count: 1, generation: "g1", available: most - 2, details: null });
  await run(ledgerOperations.seed, { first: 1, count: 1, generation: "g1", available: 2, details: null });
  assert.equal((await run(ledgerOperations.totals, undefined)).deposited, most);
  await run(ledgerOperations.deposit, { accountId: "1", amount: 1 });
  await assert.rejects(run(ledgerOperations.totals, undefined), {
    code: "step_failed",
    message: /is 9007199254740992 in all/,
  });
  await run(ledgerOperations.deposit, { accountId: "1", amount: 1 });
  await assert.rejects(run(ledgerOperations.totals, undefined), {
    code: "step_failed",
    message: /is 9007199254740993 in all/,
  });
});

for (const count of [9_999, 10_000, 10_001, 20_000]) {
  test(`S2 totals count each of ${count} accounts once`, async () => {
    const { run } = openLedger();
    await run(ledgerOperations.seed, { first: 0, count, generation: "g1", available: 2, details: null });
    await run(ledgerOperations.withdraw, { accountId: String(count - 1), amount: 1 });
    const rest = { held: 0, spent: 0, deposited: 2 * count, withdrawn: 1 };
    assert.deepEqual(await run(ledgerOperations.totals, undefined), {
      accounts: count,
      available: 2 * count - 1,
      ...rest,
    });
  });
}

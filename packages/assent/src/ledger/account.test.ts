// S2, S3: what each movement does to the parts of an account, and that none makes money or loses any.
import { amountMax, balanceMax, InvariantViolation } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  type Account,
  deposit,
  hold,
  isAmount,
  newAccount,
  refund,
  releaseHeld,
  spend,
  spendHeld,
  withdraw,
} from "./account.ts";

/** 40 available, 30 held, 20 spent, 10 withdrawn, of 100. */
const account: Account = {
  generation: "g1",
  available: 40,
  held: 30,
  spent: 20,
  deposited: 100,
  withdrawn: 10,
  details: { price: 7 },
};

type Parts = Partial<Account>;

const breaks = (rule: string) => (error: unknown) => error instanceof InvariantViolation && error.rule === rule;

const movements: readonly (readonly [what: string, move: () => Account | undefined, changed: Parts])[] = [
  ["deposit adds what is available", () => deposit(account, 5), { available: 45, deposited: 105 }],
  ["withdraw takes what is available", () => withdraw(account, 5), { available: 35, withdrawn: 15 }],
  ["hold reserves what is available", () => hold(account, 5), { available: 35, held: 35 }],
  ["spendHeld spends what is reserved", () => spendHeld(account, 5), { held: 25, spent: 25 }],
  ["releaseHeld gives back what is reserved", () => releaseHeld(account, 5), { held: 25, available: 45 }],
  ["spend spends what is available", () => spend(account, 5), { available: 35, spent: 25 }],
  ["refund gives back what is spent", () => refund(account, 5), { spent: 15, available: 45 }],
];

for (const [what, move, changed] of movements) {
  test(`S2 ${what}, and leaves everything else`, () => {
    const before = structuredClone(account);
    assert.deepEqual(move(), { ...account, ...changed });
    assert.deepEqual(account, before, "the account that was given is not changed");
  });
}

test("S3 each part can be moved to its last unit and not one further", () => {
  for (const [move, part] of [
    [hold, "available"],
    [spend, "available"],
    [spendHeld, "held"],
    [releaseHeld, "held"],
    [refund, "spent"],
  ] as const) {
    assert.equal(move(account, account[part])[part], 0);
    assert.throws(() => move(account, account[part] + 1), breaks("S3"), `${move.name} of more than is ${part}`);
  }
});

test("S3 an impossible withdrawal or deposit is returned as a result, not thrown", () => {
  assert.equal(withdraw(account, 40)?.available, 0);
  assert.equal(withdraw(account, 41), undefined);
  assert.equal(deposit(account, balanceMax - 100)?.deposited, balanceMax);
  assert.equal(deposit(account, balanceMax - 99), undefined);
});

test("S3 the balance counts what was ever deposited: spending or withdrawing makes no room for more", () => {
  const full = newAccount("g1", balanceMax, null);
  assert.equal(deposit(spend(full, 10), 1), undefined);
  assert.equal(deposit(withdraw(full, 10) ?? full, 1), undefined);
});

test("S3 a new account has its deposit available and nothing else, and is never negative or too large", () => {
  const details = { price: 7 };
  const nothing = { available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
  assert.deepEqual(newAccount("g2", 0, details), { generation: "g2", ...nothing, details });
  assert.deepEqual(newAccount("g2", 9, null), {
    ...nothing,
    generation: "g2",
    available: 9,
    deposited: 9,
    details: null,
  });
  assert.equal(newAccount("g2", balanceMax, null).available, balanceMax);
  for (const deposited of [-1, balanceMax + 1, Number.NaN]) {
    assert.throws(() => newAccount("g2", deposited, null), breaks("S3"), String(deposited));
  }
});

test("S2 an account whose parts do not add up is never moved on", () => {
  const short = { ...account, spent: account.spent - 1 };
  for (const move of [deposit, withdraw, hold, spendHeld, releaseHeld, spend, refund]) {
    assert.throws(() => move(short, 1), breaks("S2"), move.name);
  }
});

test("S3 an amount is a whole number from 1 to 10^12 and nothing else", () => {
  for (const amount of [1, 2, amountMax]) assert.ok(isAmount(amount), String(amount));
  const others = [0, -1, 0.5, 1.5, amountMax + 1, Number.NaN, Infinity, -Infinity, 1n, "1", null, undefined, [1], {}];
  for (const other of others) assert.ok(!isAmount(other), inspect(other));
});

// Audits one ledger, account by account, against the purchases of the orders.
//
// A paid order's amount is spent, or held until its commit arrives. An order in checkout may already hold its amount or
// have spent it. So for each account, including spending and holds of its earlier generations:
//
//   paid ≤ spent + held ≤ paid + unfinished,  held ≤ unfinished
//
// If nothing is unfinished, this means equality: spent = paid, held = 0.
import { type Account, accountTable, readReplaced } from "assent/ledger";
import type { BookStore } from "./book-store.ts";

export interface Finding {
  /** The violated property (docs/explanation/protocol.md). */
  readonly rule: "S2" | "S3" | "S7";
  readonly account: string;
  readonly text: string;
}

/** Exact sums over all accounts: deposited = available + held + spent + withdrawn. */
export interface LedgerSums {
  readonly accounts: bigint;
  readonly deposited: bigint;
  readonly available: bigint;
  readonly held: bigint;
  readonly spent: bigint;
  readonly withdrawn: bigint;
  /** Spent by generations of accounts that seeding replaced; not included in the other figures. */
  readonly spentBefore: bigint;
}

export interface LedgerQuestion {
  readonly store: BookStore;
  /** The store that holds the orders. */
  readonly ordersName: string;
  /** Words for an account, such as `credit of user`, and for the use by paid orders, such as `cost`. */
  readonly words: { readonly account: string; readonly took: string };
  /** By account; orders that seeding replaced are included. */
  readonly paid: ReadonlyMap<string, bigint>;
  readonly unfinished: ReadonlyMap<string, bigint>;
  /** False if an earlier version may have replaced accounts without keeping sums: then less may be spent. */
  readonly areAccountsComplete: boolean;
  /** False if an earlier version has replaced paid orders without keeping sums: then more may be spent. */
  readonly areOrdersComplete: boolean;
}

const parts = ["deposited", "available", "held", "spent", "withdrawn"] as const;

export function judgeLedger(question: LedgerQuestion): { sums: LedgerSums; findings: readonly Finding[] } {
  const { store, paid } = question;
  const sums = { accounts: 0n, deposited: 0n, available: 0n, held: 0n, spent: 0n, withdrawn: 0n, spentBefore: 0n };
  const findings: Finding[] = [];
  const unseen = new Set(paid.keys());
  for (const [id, account] of store.entries(accountTable)) {
    unseen.delete(id);
    const before = readReplaced(store, id);
    sums.accounts += 1n;
    sums.spentBefore += before.spent;
    for (const part of parts) sums[part] += BigInt(account[part]);
    findings.push(...judgeAccount(id, account, question));
    const taken = { spent: BigInt(account.spent) + before.spent, held: BigInt(account.held) + before.held };
    findings.push(...judgeTaken(id, taken, question));
  }
  // One by one: an empty store may lack more accounts than a call can take as arguments.
  for (const id of unseen) findings.push(missing(id, question));
  return { sums, findings };
}

function judgeAccount(id: string, account: Account, { words }: LedgerQuestion): readonly Finding[] {
  const { deposited, available, held, spent, withdrawn } = account;
  const amounts = { available, held, spent, deposited, withdrawn };
  const name = `${words.account} ${id}`;
  const findings: Finding[] = [];
  for (const [part, amount] of Object.entries(amounts)) {
    if (Number.isSafeInteger(amount) && amount >= 0) continue;
    findings.push({ rule: "S3", account: id, text: `${name} has ${amount} ${part}` });
  }
  if (deposited !== available + held + spent + withdrawn) {
    findings.push({ rule: "S2", account: id, text: `${name} does not add up: ${JSON.stringify(amounts)}` });
  }
  return findings;
}

interface Taken {
  readonly spent: bigint;
  readonly held: bigint;
}

function judgeTaken(id: string, { spent, held }: Taken, question: LedgerQuestion): readonly Finding[] {
  const { store, ordersName, words, unfinished, areAccountsComplete, areOrdersComplete } = question;
  const due = question.paid.get(id) ?? 0n;
  const open = unfinished.get(id) ?? 0n;
  const name = `${words.account} ${id}`;
  const compared = `paid orders ${words.took} ${due}, ${store.name} records ${spent} spent`;
  const findings: Finding[] = [];
  if (held > open) {
    const text = `${name}: ${store.name} holds ${held}, but unfinished checkouts need only ${open}`;
    findings.push({ rule: "S7", account: id, text });
  }
  if (spent + held < due && areAccountsComplete) {
    const text = `${name}: ${compared}: ${store.name} is older than ${ordersName}, or empty`;
    findings.push({ rule: "S2", account: id, text });
  }
  if (areOrdersComplete && (spent > due + open || (held <= open && spent + held > due + open))) {
    const text = `${name}: ${compared}: ${ordersName} is older than ${store.name}, or empty`;
    findings.push({ rule: "S2", account: id, text });
  }
  return findings;
}

function missing(id: string, { store, ordersName, words, paid }: LedgerQuestion): Finding {
  const text =
    `${words.account} ${id}: paid orders ${words.took} ${paid.get(id)}, ${store.name} has no such account: ` +
    `${store.name} is older than ${ordersName}, or empty`;
  return { rule: "S2", account: id, text };
}

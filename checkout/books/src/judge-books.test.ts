// The audit on stores written by the services' own operations: it finds nothing in correct books, even after seeding
// replaced accounts and orders, and it names each store that lacks something.
import { type Account, accountTable, ledgerOperations } from "assent/ledger";
import type { Row, Tables } from "assent/internal/ports";
import { seedOrders } from "@assent/order";
import { type JsonObject, type TransactionRecord } from "assent/internal/protocol";
import {
  BatchTables,
  bindOperations,
  recordTable,
  rowsReplacedTable,
  rowTable,
  unfinishedKey,
  unfinishedTable,
} from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BookStore, bookStoreOfEngine, bookStoreOfMaps } from "./book-store.ts";
import { type BooksReport, judgeBooks } from "./judge-books.ts";
import { judgeLedger } from "./judge-ledger.ts";

const accounts = bindOperations(ledgerOperations, {});
const context = { now: 0 };

function accountOf(tables: Tables, id: string): Account {
  const account = tables.get(accountTable, id);
  assert.ok(account !== undefined);
  return account;
}

/** Tables, and the engine under them. */
class Store extends BatchTables {
  readonly #engine: MemoryEngine;

  constructor() {
    const engine = new MemoryEngine();
    super(engine);
    this.#engine = engine;
  }

  /** The store as it is now, by its name. */
  read(name: string): BookStore {
    this.#engine.commit(this.writes);
    this.clear();
    return bookStoreOfEngine(name, this.#engine);
  }
}

/** Two items of 10 units each, a user with 100; order `paid` took 2 of item 0 and 1 of item 1 for 11. */
class Shop {
  readonly orders = new Store();
  readonly stock = new Store();
  readonly payment = new Store();

  constructor() {
    this.seedAccounts("g1");
    this.order("paid", "committed");
    this.order("open", "none");
    this.spend(this.stock, "0", 2);
    this.spend(this.stock, "1", 1);
    this.spend(this.payment, "0", 11);
  }

  seedAccounts(generation: string): void {
    accounts.seed(this.stock, { first: 0, count: 2, generation, available: 10, details: null }, context);
    accounts.seed(this.payment, { first: 0, count: 1, generation, available: 100, details: null }, context);
  }

  order(key: string, outcome: Row["outcome"]): void {
    const items = [
      ["0", 2],
      ["1", 1],
    ];
    const fields = { user: "0", items, total: 11, units: 3, entries: 2 };
    this.orders.put(rowTable, key, { key, incarnation: "i1", attempt: 1, outcome, fields });
  }

  seedOrders(...keys: readonly string[]): void {
    const empty: JsonObject = { user: "0", items: [], total: 0, units: 0, entries: 0 };
    seedOrders.step(this.orders, { incarnation: "i2", rows: keys.map((key) => [key, empty] as const) }, context);
  }

  /** A checkout of order `open` that is still in progress. */
  begin(): void {
    const txId = "open:i1:1";
    const input = this.orders.get(rowTable, "open")?.fields ?? null;
    const names = { key: "open", owner: "o", definition: "checkout", definitionHash: 1, protocol: "2pc" } as const;
    const times = { begunAt: 0, deadlineAt: 1, changedAt: 0, epoch: 1 };
    const record: TransactionRecord = { txId, ...names, ...times, state: "active", input };
    this.orders.put(recordTable, txId, record);
    this.orders.put(unfinishedTable, unfinishedKey(record), null);
  }

  change(tables: Tables, id: string, change: Readonly<Record<string, number>>): void {
    tables.put(accountTable, id, { ...accountOf(tables, id), ...change });
  }

  spend(tables: Tables, id: string, amount: number): void {
    const { available, spent } = accountOf(tables, id);
    this.change(tables, id, { available: available - amount, spent: spent + amount });
  }

  judge(isComplete = true): BooksReport {
    const { orders, stock, payment } = this;
    return judgeBooks(
      {
        orders: orders.read("orders.db"),
        stock: stock.read("stock.db"),
        payment: payment.read("payment.db"),
      },
      { isComplete },
    );
  }

  texts(isComplete = true): readonly string[] {
    const { findings } = this.judge(isComplete);
    return [...findings.stock, ...findings.payment].map(({ rule, text }) => `${rule} ${text}`);
  }
}

const shopAfter = (...changes: readonly ((shop: Shop) => void)[]): Shop => {
  const shop = new Shop();
  for (const change of changes) change(shop);
  return shop;
};

const fine: readonly (readonly [what: string, change: (shop: Shop) => void])[] = [
  ["paid orders and the spending for them", () => undefined],
  ["accounts that were replaced by seeding, twice", (shop) => (shop.seedAccounts("g2"), shop.seedAccounts("g3"))],
  ["paid orders that were replaced by seeding", (shop) => shop.seedOrders("paid", "open")],
  ["both replaced by seeding", (shop) => (shop.seedOrders("paid"), shop.seedAccounts("g2"))],
  [
    "an order paid, replaced by seeding, and paid again",
    (shop) => {
      shop.seedOrders("paid");
      shop.order("paid", "committed");
      for (const id of ["0", "0", "1"]) shop.spend(shop.stock, id, 1);
      shop.spend(shop.payment, "0", 11);
    },
  ],
  [
    "direct withdrawals, which do not count as spent",
    (shop) => {
      accounts.withdraw(shop.payment, { accountId: "0", amount: 5 }, context);
      accounts.withdraw(shop.stock, { accountId: "1", amount: 3 }, context);
      accounts.deposit(shop.payment, { accountId: "0", amount: 7 }, context);
    },
  ],
  [
    "a checkout in progress that holds its amount",
    (shop) => (shop.begin(), shop.change(shop.payment, "0", { available: 78, held: 11 })),
  ],
  ["a checkout in progress that has spent its amount", (shop) => (shop.begin(), shop.spend(shop.payment, "0", 11))],
  [
    "a paid order whose commit is in progress",
    (shop) => {
      shop.begin();
      shop.order("open", "committed");
      shop.spend(shop.stock, "0", 2);
      shop.change(shop.stock, "1", { available: 8, held: 1 });
      shop.spend(shop.payment, "0", 11);
    },
  ],
];

for (const [what, change] of fine) {
  test(`S2 nothing is found: ${what}`, () => assert.deepEqual(shopAfter(change).texts(), []));
}

const wrong: readonly (readonly [what: string, change: (shop: Shop) => void, findings: readonly RegExp[]])[] = [
  [
    "a missing account",
    (shop) => shop.payment.delete(accountTable, "0"),
    [/^S2 credit of user 0: paid orders cost 11, payment.db has no such account: payment.db is older than orders.db/],
  ],
  [
    "a missing account that was used only by a replaced order",
    (shop) => (shop.seedOrders("paid"), shop.payment.delete(accountTable, "0")),
    [/^S2 credit of user 0: paid orders cost 11, payment.db has no such account: payment.db is older than orders.db/],
  ],
  [
    "an older payment.db",
    (shop) => shop.change(shop.payment, "0", { available: 100, spent: 0 }),
    [/^S2 credit of user 0: paid orders cost 11, payment.db records 0 spent: payment.db is older than orders.db/],
  ],
  [
    "an older stock.db, which lacks the spending of one item",
    (shop) => shop.change(shop.stock, "1", { available: 10, spent: 0 }),
    [/^S2 units of item 1: paid orders took 1, stock.db records 0 spent: stock.db is older than orders.db, or empty$/],
  ],
  [
    "an older orders.db",
    (shop) => shop.order("paid", "none"),
    [
      /^S2 units of item 0: paid orders took 0, stock.db records 2 spent: orders.db is older than stock.db, or empty$/,
      /^S2 units of item 1: paid orders took 0, stock.db records 1 spent/,
      /^S2 credit of user 0: paid orders cost 0, payment.db records 11 spent: orders.db is older than payment.db/,
    ],
  ],
  [
    "totals that agree although single accounts do not",
    (shop) => (shop.change(shop.stock, "0", { available: 9, spent: 1 }), shop.spend(shop.stock, "1", 1)),
    [/^S2 units of item 0: paid orders took 2, stock.db records 1 spent/, /^S2 units of item 1: .* records 2 spent/],
  ],
  [
    "a lack after accounts were replaced by seeding",
    (shop) => (shop.change(shop.payment, "0", { available: 99, spent: 1 }), shop.seedAccounts("g2")),
    [/^S2 credit of user 0: paid orders cost 11, payment.db records 1 spent/],
  ],
  [
    "a lack after paid orders were replaced by seeding",
    (shop) => (shop.change(shop.payment, "0", { available: 100, spent: 0 }), shop.seedOrders("paid")),
    [/^S2 credit of user 0: paid orders cost 11, payment.db records 0 spent/],
  ],
  [
    "a leftover hold",
    (shop) => shop.change(shop.payment, "0", { available: 88, held: 1 }),
    [/^S7 credit of user 0: payment.db holds 1, but unfinished checkouts need only 0$/],
  ],
  [
    "more taken than a checkout in progress needs",
    (shop) => (shop.begin(), shop.spend(shop.payment, "0", 12)),
    [/^S2 credit of user 0: paid orders cost 11, payment.db records 23 spent/],
  ],
  [
    "a lack in addition to a checkout in progress",
    (shop) => (shop.begin(), shop.change(shop.payment, "0", { available: 90, spent: 10 })),
    [/^S2 credit of user 0: paid orders cost 11, payment.db records 10 spent/],
  ],
  [
    "an account that does not add up",
    (shop) => shop.change(shop.payment, "0", { deposited: 99 }),
    [/^S2 credit of user 0 does not add up: \{"available":89,"held":0,"spent":11,"deposited":99,"withdrawn":0\}$/],
  ],
  [
    "a negative amount",
    (shop) => shop.change(shop.payment, "0", { available: -1, withdrawn: 90 }),
    [/^S3 credit of user 0 has -1 available$/],
  ],
];

for (const [what, change, findings] of wrong) {
  test(`S2 found: ${what}`, () => {
    const texts = shopAfter(change).texts();
    assert.equal(texts.length, findings.length, texts.join("\n"));
    for (const [index, finding] of findings.entries()) assert.match(texts[index] ?? "", finding);
  });
}

test("S2 without sums of replaced amounts, from an earlier version, only one direction is compared", () => {
  const lacking = (shop: Shop): void => shop.change(shop.payment, "0", { available: 100, spent: 0 });
  const excessive = (shop: Shop): void => shop.spend(shop.payment, "0", 1);
  const replaced = (shop: Shop): void => shop.orders.put(rowsReplacedTable, "committed", 1);
  assert.deepEqual(shopAfter(lacking).texts(false), [], "accounts may have been replaced");
  assert.match(shopAfter(excessive).texts(false)[0] ?? "", /records 12 spent: orders.db is older/);
  assert.deepEqual(shopAfter(excessive, replaced).texts(), [], "paid orders were replaced");
  assert.match(shopAfter(lacking, replaced).texts()[0] ?? "", /records 0 spent: payment.db is older/);
  for (const report of [shopAfter(replaced).judge(), new Shop().judge(false)]) assert.equal(report.isExact, false);
});

test("S2 sums are exact beyond the safe integers of JavaScript", () => {
  const shop = new Shop();
  const most = Number.MAX_SAFE_INTEGER;
  for (const generation of ["g2", "g3"]) {
    accounts.seed(shop.payment, { first: 1, count: 3, generation, available: most, details: null }, context);
  }
  assert.equal(shop.judge().credit.deposited, 3n * BigInt(most) + 100n);
  for (let times = 0; times < 3; times += 1) {
    shop.change(shop.payment, "1", { available: 0, spent: most });
    accounts.seed(
      shop.payment,
      {
        first: 1,
        count: 1,
        generation: `g${times}`,
        available: most,
        details: null,
      },
      context,
    );
  }
  assert.equal(shop.judge().credit.spentBefore, 3n * BigInt(most));
});

test("S2 an empty store is audited even if it lacks very many accounts", () => {
  const accounts = 200_000;
  const paid = new Map(Array.from({ length: accounts }, (_, index) => [String(index), 1n]));
  const { findings } = judgeLedger({
    store: bookStoreOfMaps("payment.db", () => undefined),
    ordersName: "orders.db",
    words: { account: "credit of user", took: "cost" },
    paid,
    unfinished: new Map(),
    areAccountsComplete: true,
    areOrdersComplete: true,
  });
  assert.equal(findings.length, accounts);
});

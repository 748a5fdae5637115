// The checks on constructed evidence: no finding if everything is correct, and each finding where it is due.
import type { TableMaps } from "@assent/books/server-tables";
import { type Account, accountTable } from "assent/ledger";
import type { Row } from "assent/internal/ports";
import type { BranchRecord, TransactionRecord } from "assent/internal/protocol";
import { branchTable, recordTable, rowTable, unfinishedKey, unfinishedTable } from "assent/internal/engine";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiOrder } from "./api-books.ts";
import type { Attempt } from "../load/attempt.ts";
import { History } from "../load/history.ts";
import { judge } from "./judge.ts";
import { lingerMaxMs } from "./judge-answers.ts";
import { Shop } from "../load/shop.ts";
import { storeBooks } from "./store-books.ts";

const begunAt = 1_000_000;
const maxAgeMs = 7_200_000;

/**
 * One item of price 5, 10 given and 1 taken; one user, 100 given and 3 taken. Order `good` of 2 was paid at its second
 * attempt, order `poor` of 1 was not paid.
 */
class Scene {
  readonly history = new History();
  readonly shop = new Shop();
  readonly orders = new Map<string, ApiOrder>();
  readonly stock = new Map([["item", 7]]);
  readonly credit = new Map([["user", 87]]);
  readonly rows = new Map<string, Row>();
  readonly transactions = new Map<string, TransactionRecord>();
  readonly branches = { stock: new Map<string, BranchRecord>(), payment: new Map<string, BranchRecord>() };
  readonly accounts = {
    stock: new Map([["item", account({ available: 7, spent: 2, deposited: 10, withdrawn: 1 })]]),
    payment: new Map([["user", account({ available: 87, spent: 10, deposited: 100, withdrawn: 3 })]]),
  };
  active: string[] = [];
  now = begunAt + 60_000;

  constructor() {
    Object.assign(this.shop.addItem("item", 5), { given: 10, taken: 1 });
    Object.assign(this.shop.addUser("user"), { given: 100, taken: 3 });
    this.order("good", { quantity: 2, outcome: "committed", attempt: 2 });
    this.order("poor", { quantity: 1, outcome: "aborted", attempt: 1 });
    this.transaction("good:life:1", "aborted");
    this.transaction("good:life:2", "committed");
    this.transaction("poor:life:1", "aborted");
    this.answered("good", { startedAt: 0, status: 400, code: "insufficient_credit" });
    this.answered("good", { startedAt: 20, status: 200 });
    this.answered("poor", { startedAt: 40, status: 400, code: "insufficient_credit" });
  }

  order(id: string, { quantity, outcome, attempt }: Pick<Row, "outcome" | "attempt"> & { quantity: number }): void {
    this.shop.addOrder(id, "user").lines.push(["item", quantity]);
    const total = 5 * quantity;
    this.orders.set(id, { paid: outcome === "committed", user: "user", items: ["item"], total });
    const fields = { user: "user", items: [["item", quantity]], total, units: quantity, entries: 1 };
    this.rows.set(id, { key: id, incarnation: "life", attempt, outcome, fields });
  }

  transaction(txId: string, state: TransactionRecord["state"]): void {
    const key = txId.slice(0, txId.indexOf(":"));
    const input = this.rows.get(key)?.fields ?? {};
    const record = { txId, key, definition: "checkout", definitionHash: 0, protocol: "2pc", owner: "order-0" } as const;
    this.transactions.set(txId, { ...record, state, epoch: 1, begunAt, deadlineAt: 0, input, changedAt: 0 });
    const way = state === "committed" ? "committed" : "aborted";
    this.branch("stock", `${txId}/reserve_stock/0`, way);
    this.branch("payment", `${txId}/take_payment/0`, way);
  }

  branch(service: "stock" | "payment", key: string, state: BranchRecord["state"]): void {
    const [txId = "", ...step] = key.split("/");
    const name = { txId, branchId: step.join("/"), protocol: "2pc" } as const;
    this.branches[service].set(key, { ...name, state, epoch: 1, begunAt, forgotten: true, changedAt: 0 });
  }

  answered(subject: string, attempt: Partial<Attempt> & { startedAt: number; status: number }): void {
    const request = this.history.nextRequest();
    const some = { kind: "checkout", request, subject, key: "", gateway: 0, code: "" } as const;
    this.history.record({ ...some, endedAt: attempt.startedAt + 10, ...attempt });
  }

  account(service: "stock" | "payment", id: string, change: Partial<Account>): void {
    const before = this.accounts[service].get(id);
    this.accounts[service].set(id, { ...account({}), ...before, ...change });
  }

  /** The order's row and its state in the API. */
  paid(id: string, paid: boolean): void {
    const [row, order] = [this.rows.get(id), this.orders.get(id)];
    assert.ok(row !== undefined && order !== undefined);
    this.rows.set(id, { ...row, outcome: paid ? "committed" : "aborted" });
    this.orders.set(id, { ...order, paid });
  }

  judge(): readonly string[] {
    const { history, shop, orders, stock, credit, rows, transactions, active, now } = this;
    const unfinished = new Map(active.map((txId) => [unfinishedKey({ owner: "order-0", deadlineAt: 0, txId }), null]));
    const of = (service: "stock" | "payment"): TableMaps =>
      new Map<string, ReadonlyMap<string, unknown>>([
        [accountTable.name, this.accounts[service]],
        [branchTable.name, this.branches[service]],
      ]);
    const ofOrders = new Map<string, ReadonlyMap<string, unknown>>([
      [rowTable.name, rows],
      [recordTable.name, transactions],
      [unfinishedTable.name, unfinished],
    ]);
    const books = storeBooks({ orders: ofOrders, stock: of("stock"), payment: of("payment") });
    return judge({ history, shop, api: { orders, stock, credit }, books, now });
  }
}

function account(parts: Partial<Account>): Account {
  const zero = { available: 0, held: 0, spent: 0, deposited: 0, withdrawn: 0 };
  return { generation: "g", details: null, ...zero, ...parts };
}

test("correct evidence gives no finding", () => {
  assert.deepEqual(new Scene().judge(), []);
});

/** A defect in a scene, and a finding that names it. */
type Case = readonly [what: string, spoil: (scene: Scene) => void, finding: RegExp];

const cases: readonly Case[] = [
  [
    "S5: an order was reported as paid but is not",
    (s) => s.paid("good", false),
    /^S5: order good was reported as paid but is not$/,
  ],
  [
    "S5: every checkout was reported as failed, but the order is paid",
    (s) => s.paid("poor", true),
    /^S5: order poor is paid, but each of its 1 checkouts was reported as failed$/,
  ],
  [
    "S5: the answer was that nothing was started, but the order is paid",
    (s) => {
      s.order("cut", { quantity: 1, outcome: "committed", attempt: 1 });
      s.answered("cut", { startedAt: 0, status: 400, code: "service_stock_unavailable" });
    },
    /^S5: order cut is paid, but each of its 1 checkouts was reported as failed$/,
  ],
  [
    "S5: the attempt that has paid was reported as failed",
    (s) => {
      s.order("both", { quantity: 1, outcome: "committed", attempt: 1 });
      s.answered("both", { startedAt: 0, status: 400, code: "insufficient_stock" });
      s.answered("both", { startedAt: 20, status: 200 });
    },
    /^S5: order both was reported as failed, but its only attempt has paid it$/,
  ],
  [
    "S5: failure was reported long after the last unclear answer, but the order is paid",
    (s) => {
      s.order("late", { quantity: 1, outcome: "committed", attempt: 1 });
      s.answered("late", { startedAt: 0, status: 0 });
      s.answered("late", { startedAt: 11 + lingerMaxMs, status: 400, code: "insufficient_stock" });
    },
    /^S5: order late is paid, but its checkouts failed/,
  ],
  [
    "S5: a duplicate of a paid checkout was reported as failed",
    (s) => s.answered("good", { kind: "checkout_again", startedAt: 60, status: 400, code: "insufficient_credit" }),
    /^S5: order good was reported as paid, but later a checkout was answered 400 insufficient_credit$/,
  ],
  [
    "S5: a read showed a paid order as open",
    (s) => s.answered("good", { kind: "find_order", startedAt: 60, status: 200, code: "open" }),
    /^S5: order good was reported as paid, but later a read showed it as not paid$/,
  ],
  ["S5: an order is gone", (s) => s.orders.delete("good"), /^S5: order good cannot be found$/],
  ["S2: an order is gone from the sums", (s) => s.orders.delete("good"), /^S2: order good cannot be found$/],
  ["S2: an order of another user", (s) => setOrder(s, { user: "thief" }), /^S2: order good is of user thief/],
  ["S2: a wrong total", (s) => setOrder(s, { total: 15 }), /^S2: order good costs 15, but must cost 10$/],
  [
    "S2: an item was added twice",
    (s) => setOrder(s, { items: ["item", "item"] }),
    /^S2: order good contains item item/,
  ],
  [
    "S2: stock was lost",
    (s) => s.stock.set("item", 6),
    /^S2: stock of item is 6, but must be 7 \(10 given, 1 taken, 2/,
  ],
  ["S2: credit was created", (s) => s.credit.set("user", 88), /^S2: credit of user is 88, but must be 87/],
  ["S2: an item is gone", (s) => s.stock.delete("item"), /^S2: stock of item is missing, but must be 7/],
  [
    "S3: a negative amount",
    (s) => s.account("stock", "x", { available: -1 }),
    /^S3: units of item x has -1 available$/,
  ],
  ["S2: an account does not add up", (s) => s.account("stock", "x", { deposited: 1 }), /^S2: units of item x does not/],
  [
    "S7: a leftover hold",
    (s) => s.account("payment", "user", { available: 86, held: 1 }),
    /^S7: credit of user user: the database of payment holds 1, but unfinished checkouts need only 0$/,
  ],
  [
    "S2: more was spent than was bought",
    (s) => s.account("stock", "item", { available: 6, spent: 3 }),
    /^S2: units of item item: paid orders took 2, the database of stock records 3 spent: the database of orders is/,
  ],
  [
    "S2: less was spent than was bought",
    (s) => s.account("stock", "item", { available: 8, spent: 1 }),
    /^S2: units of item item: paid orders took 2, the database of stock records 1 spent: the database of stock is/,
  ],
  [
    "S2: an account that paid is gone",
    (s) => s.accounts.payment.delete("user"),
    /^S2: credit of user user: paid orders cost 10, the database of payment has no such account: .* or empty$/,
  ],
  ["S2: an account is not there", (s) => s.accounts.stock.clear(), /^S2: stock account item is not in the database$/],
  [
    "S2: a deposit was done twice",
    (s) => s.account("stock", "item", { available: 17, deposited: 20 }),
    /^S2: stock account item was given 20, but clients gave 10$/,
  ],
  [
    "S2: a withdrawal was done twice",
    (s) => s.account("payment", "user", { available: 84, withdrawn: 6 }),
    /^S2: payment account user lost 6, but clients took 3$/,
  ],
  [
    "S2: the API shows another amount than the database contains",
    (s) => s.stock.set("item", 6),
    /^S2: stock account item has 7 in the database, but the API shows 6$/,
  ],
  ["S4: an order has no row", (s) => s.rows.delete("poor"), /^S4: order poor is not in the database$/],
  [
    "S4: the API shows another outcome than the row",
    (s) => setOrder(s, { paid: false }),
    /^S4: order good is committed in the database, but the API shows otherwise$/,
  ],
  [
    "S4: a paid order without a record of its attempt",
    (s) => s.transactions.delete("good:life:2"),
    /^S4: order good is paid, but its attempt 2 has no record$/,
  ],
  [
    "S4: a paid order whose attempt was aborted",
    (s) => s.transaction("good:life:2", "aborted"),
    /^S4: order good is paid by good:life:2, aborted$/,
  ],
  [
    "S4: an order paid twice",
    (s) => s.transaction("good:life:1", "committed"),
    /^S4: order good was paid twice, by good:life:1 and by good:life:2$/,
  ],
  [
    "S4: a commit whose order is not paid",
    (s) => s.transaction("poor:life:1", "committed"),
    /^S4: poor:life:1 is committed, but order poor is aborted, attempt 1$/,
  ],
  [
    "S7: an order is still in checkout",
    (s) => s.rows.set("poor", { ...(s.rows.get("poor") as Row), outcome: "pending" }),
    /^S7: order poor is still being checked out$/,
  ],
  [
    "S7: a transaction is unfinished",
    (s) => {
      s.transaction("poor:life:1", "aborting");
      s.active.push("poor:life:1");
    },
    /^S7: transaction poor:life:1 is unfinished \(aborting\)$/,
  ],
  [
    "S7: a transaction that will never be ended",
    (s) => s.transaction("poor:life:1", "aborting"),
    /^S7: transaction poor:life:1 is aborting but in no index/,
  ],
  [
    "S1: a commit without one of its branches",
    (s) => s.branches.payment.delete("good:life:2/take_payment/0"),
    /^S1: good:life:2 is committed, but payment has no branch of it$/,
  ],
  [
    "S1: a commit with a branch that was undone",
    (s) => s.branch("stock", "good:life:2/reserve_stock/0", "aborted"),
    /^S1: the stock branch of good:life:2 is aborted, but the transaction is committed$/,
  ],
  [
    "S1: an abort with a committed branch",
    (s) => s.branch("payment", "poor:life:1/take_payment/0", "committed"),
    /^S1: the payment branch of poor:life:1 is committed, but the transaction is aborted$/,
  ],
  [
    "S1: a committed branch without a transaction",
    (s) => s.branch("stock", "gone:life:1/reserve_stock/0", "completed"),
    /^S1: the stock branch of gone:life:1 is completed, but the transaction is not in the log$/,
  ],
  [
    "S7: a branch that waits",
    (s) => s.branch("stock", "poor:life:1/reserve_stock/0", "prepared"),
    /^S7: the stock branch of poor:life:1 is prepared: it waits for a decision \(aborted\)$/,
  ],
];

function setOrder({ orders }: Scene, change: Partial<ApiOrder>): void {
  orders.set("good", { ...(orders.get("good") as ApiOrder), ...change });
}

for (const [what, spoil, finding] of cases) {
  test(what, () => {
    const scene = new Scene();
    spoil(scene);
    const findings = scene.judge();
    assert.ok(
      findings.some((text) => finding.test(text)),
      `${finding} is not in:\n${findings.join("\n")}`,
    );
  });
}

test("an order that may be gone, or may have been paid late, is no finding", () => {
  const scene = new Scene();
  // P7: forgotten long ago.
  scene.branches.stock.clear();
  scene.now = begunAt + 2 * maxAgeMs;
  // The lost attempt may have been executed after the one that was reported as failed.
  scene.order("lost", { quantity: 1, outcome: "committed", attempt: 2 });
  scene.transaction("lost:life:2", "committed");
  scene.answered("lost", { startedAt: 0, status: 0 });
  scene.answered("lost", { startedAt: 20, status: 400, code: "insufficient_stock" });
  // Sent before the success was reported.
  scene.answered("good", { startedAt: 25, status: 400, code: "insufficient_stock" });
  scene.account("stock", "item", { available: 6, spent: 3 });
  scene.account("payment", "user", { available: 82, spent: 15 });
  scene.stock.set("item", 6);
  scene.credit.set("user", 82);
  assert.deepEqual(scene.judge(), []);
});

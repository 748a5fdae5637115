// Failing parts of the checkout system: a full store, a broken store, a silent service. Assembled in this process,
// because a store cannot be made to fail from outside.
import { accountTable, ledgerOperations } from "assent/ledger";
import { TestClock } from "@assent/conformance";
import { Orchestrator } from "assent/internal/coordinator";
import { Participant } from "assent/internal/participant";
import { operation } from "assent/internal/ports";
import { checkout, orderApp, orderOperations, OrderService } from "@assent/order";
import { paymentOperations } from "@assent/payment";
import { decoded, decodeCommands, defaultLimits, type Limits, type Verb } from "assent/internal/protocol";
import { stockOperations } from "@assent/stock";
import {
  bindOperations,
  EngineFull,
  GroupCommitExecutor,
  keyedBranchStore,
  keyedLog,
  logOperations,
  rowOperations,
  type Writes,
} from "assent/internal/engine";
import { MemoryEngine, MemoryTransport } from "assent/memory";
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, test } from "node:test";

/** Shorter than the defaults, so that waiting for a silent service ends soon. */
const limits: Limits = {
  ...defaultLimits,
  phaseOneDeadlineMs: 200,
  requestWaitMs: 400,
  replyWaitMs: 50,
  releaseWaitMs: 50,
  contendedWaitMs: 20,
  takeoverGraceMs: 50,
  retryFirstMs: 5,
  retryMaxMs: 20,
  sweepEveryMs: 20,
};

/** A millisecond passes with every turn of the event loop: nothing is late because this machine is slow. */
const clock = new TestClock();
let passing = setImmediate(function pass() {
  clock.advance(1);
  passing = setImmediate(pass);
});
after(() => clearImmediate(passing));

/** A real-time limit for the tests' own waiting. */
const deadlineMs = 60_000;

/** An engine that fails on request, in one of the two ways in which an engine may. */
class FailingEngine extends MemoryEngine {
  commits = 0;
  /** First and last commit that fail, counted from 0. */
  failing: readonly [from: number, to: number] = [Infinity, Infinity];
  how: "full" | "broken" = "full";

  override commit(writes: Writes): void {
    const number = this.commits;
    this.commits += 1;
    if (number >= this.failing[0] && number < this.failing[1]) {
      throw this.how === "full" ? new EngineFull(new Error("no room")) : new Error("input/output error");
    }
    super.commit(writes);
  }
}

const opened: Shop[] = [];

after(() => Promise.all(opened.map((shop) => shop.stop())));

type Service = "stock" | "payment";

const loseAccount = operation("loseAccount", (tables, { accountId }: { accountId: string }): null => {
  tables.delete(accountTable, accountId);
  return null;
});

class Shop {
  readonly engine = new FailingEngine();
  readonly silent = new Set<Service>();
  /** Commands with these verbs are lost in transit. */
  readonly unheard = new Set<Verb>();
  /** Number of lost messages to stock. */
  lostToStock = 0;
  readonly reported: unknown[] = [];
  stockAnswersPrices = true;
  readonly #orders = new GroupCommitExecutor({ ...this.#executor(), operations: orderOperations(limits) });
  readonly #stock = new GroupCommitExecutor({
    ...this.#executor(new MemoryEngine()),
    operations: { ...stockOperations(limits), ...bindOperations({ loseAccount }, {}) },
  });
  readonly #payment = new GroupCommitExecutor({
    ...this.#executor(new MemoryEngine()),
    operations: paymentOperations(limits),
  });
  readonly #orchestrator: Orchestrator;
  readonly #app;

  constructor() {
    opened.push(this);
    const log = keyedLog(this.#orders);
    this.#orchestrator = new Orchestrator({
      service: "order",
      owner: "order-1",
      definitions: [checkout],
      log,
      transport: new MemoryTransport({
        endpoints: { stock: this.#endpoint("stock"), payment: this.#endpoint("payment") },
        clock,
        schedule: setImmediate,
      }),
      clock,
      random: systemRandom,
      limits,
      protocol: "2pc",
    });
    const service = new OrderService({
      orchestrator: this.#orchestrator,
      store: this.#orders,
      log,
      priceOf: () => (this.stockAnswersPrices ? Promise.resolve(2) : Promise.reject(new Error("stock is silent"))),
      random: systemRandom,
    });
    this.#app = orderApp(service, (error) => this.reported.push(error));
  }

  /** An item, a user and their orders: each costs 2; 10 units and 10 credit are available. */
  async seed(orders = 1): Promise<void> {
    const seed = { first: 0, count: 1, generation: "g", available: 10, details: { price: 2 } };
    await Promise.all([this.#stock.run(ledgerOperations.seed, seed), this.#payment.run(ledgerOperations.seed, seed)]);
    for (let order = 0; order < orders; order += 1) await this.putOrder(String(order), 2);
    await this.#orchestrator.start();
  }

  async putOrder(key: string, total: number): Promise<void> {
    const fields = { user: "0", items: [["0", 1]], total, units: 1, entries: 1 };
    await this.#orders.run(rowOperations.putRow, { key, incarnation: "i", fields });
  }

  /** Removes only the stock account of the item. */
  loseStock(): Promise<null> {
    return this.#stock.run(loseAccount, { accountId: "0" });
  }

  /** Number of accounts at stock. */
  async stockAccounts(): Promise<number> {
    return (await this.#stock.run(ledgerOperations.totals, undefined)).accounts;
  }

  get abortRate(): number {
    return this.#orchestrator.load().abortRate;
  }

  async post(path: string): Promise<{ status: number; body: string }> {
    const response = await this.#app.request(path, { method: "POST" });
    return { status: response.status, body: await response.text() };
  }

  async orderTotal(): Promise<unknown> {
    return (await this.#orders.run(rowOperations.readRow, { key: "0" }))?.fields["total"];
  }

  async accounts(): Promise<readonly (readonly [available: number, spent: number])[]> {
    const totals = await Promise.all([
      this.#stock.run(ledgerOperations.totals, undefined),
      this.#payment.run(ledgerOperations.totals, undefined),
    ]);
    return totals.map(({ available, spent }) => [available, spent]);
  }

  /** Waits until nothing is in progress: success is reported at the decision, and phase 2 follows. */
  async quiet(): Promise<void> {
    const giveUpAt = performance.now() + deadlineMs;
    while ((await this.#orders.run(logOperations.owners, { limit: 1 })).length > 0) {
      assert.ok(performance.now() < giveUpAt, "it does not end");
      await new Promise(setImmediate);
    }
  }

  stop(): Promise<void> {
    return this.#orchestrator.stop(0);
  }

  #executor(engine: MemoryEngine = this.engine) {
    return { engine, now: clock.now, schedule: setImmediate };
  }

  #endpoint(service: Service): (message: Uint8Array) => Promise<Uint8Array | undefined> {
    const executor = service === "stock" ? this.#stock : this.#payment;
    const participant = new Participant({
      store: keyedBranchStore(executor),
      questions: { ask: () => Promise.resolve(undefined) },
      clock,
      random: systemRandom,
      limits,
    });
    return (message) => {
      const isLost =
        this.silent.has(service) ||
        decodeCommands(message)
          .map(decoded)
          .some(({ verb }) => this.unheard.has(verb));
      if (!isLost) return participant.handle(message);
      if (service === "stock") this.lostToStock += 1;
      return Promise.resolve(undefined);
    };
  }
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, "timed out");
    await new Promise(setImmediate);
  }
}

const codeOf = ({ body }: { body: string }): unknown => (JSON.parse(body) as Record<string, unknown>)["code"];

function assertRefused({ status, body }: { status: number; body: string }, where: string): void {
  const { code } = JSON.parse(body) as Record<string, unknown>;
  assert.equal(typeof code, "string", where);
  assert.ok(status >= 400 && status < 500, `${where}: ${status} ${body}`);
}

/** Repeats until success; every earlier answer must be a refusal. */
async function paidInTheEnd(shop: Shop, where: string): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const answer = await shop.post("/orders/checkout/0");
    if (answer.status === 200) break;
    assertRefused(answer, where);
    assert.ok(performance.now() < giveUpAt, `${where}: never paid`);
  }
  shop.engine.failing = [Infinity, Infinity];
  await shop.quiet();
  assert.deepEqual(
    (await shop.accounts()).map(([, spent]) => spent),
    [1, 2],
    where,
  );
}

test("a checkout whose store is full for a while is refused or pending, and later paid once", async () => {
  let met = 0;
  await Promise.all(
    [0, 1, 2, 3].flatMap((from) =>
      [1, 3].map(async (times) => {
        const shop = new Shop();
        await shop.seed();
        const first = shop.engine.commits + from;
        shop.engine.failing = [first, first + times];
        await paidInTheEnd(shop, `full at ${from}, ${times} times`);
        if (shop.engine.commits > first) met += 1;
      }),
    ),
  );
  assert.ok(met >= 6, `${met} of them failed`);
});

test("a permanently broken store makes every checkout a 4xx, not a 5xx", async () => {
  for (const from of [0, 1]) {
    const shop = new Shop();
    await shop.seed();
    shop.engine.how = "broken";
    shop.engine.failing = [shop.engine.commits + from, Infinity];
    const answers = await Promise.all([shop.post("/orders/checkout/0"), shop.post("/orders/checkout/0")]);
    for (const each of [...answers, await shop.post("/orders/checkout/0")]) assertRefused(each, `broken at ${from}`);
  }
});

test("a silent service makes every checkout a 4xx within the request wait", async () => {
  for (const service of ["stock", "payment"] as const) {
    const shop = new Shop();
    await shop.seed();
    shop.silent.add(service);
    const askedAt = clock.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => shop.post("/orders/checkout/0")));
    for (const each of answers) assertRefused(each, service);
    const tookMs = clock.now() - askedAt;
    assert.ok(tookMs <= 2 * limits.requestWaitMs, `it took ${tookMs} ms`);
  }
});

test("an unavailable price is not reported as a missing item", async () => {
  const shop = new Shop();
  await shop.seed();
  shop.stockAnswersPrices = false;
  const { status, body } = await shop.post("/orders/addItem/0/0/1");
  assert.ok(status >= 400, body);
  assert.doesNotMatch(body, /item_not_found|does not exist/);
  assert.equal(shop.reported.length, 1, "it is reported");
  assert.equal(await shop.orderTotal(), 2, "nothing was added");
});

test("unanswered decisions open the breaker, like unanswered votes", async () => {
  const shop = new Shop();
  await shop.seed(6);
  shop.unheard.add("commit");
  // One branch is one failure, however often its decision is sent: five open the breaker.
  for (const order of [0, 1, 2, 3, 4]) assert.equal((await shop.post(`/orders/checkout/${order}`)).status, 200);
  await until(() => shop.lostToStock > 12);
  const refused = await shop.post("/orders/checkout/5");
  assert.deepEqual([refused.status, codeOf(refused)], [400, "service_stock_unavailable"]);
  assert.equal((await shop.post("/orders/checkout/0")).status, 200, "S5: a paid order stays paid");
  shop.unheard.clear();
  await shop.quiet();
  assert.deepEqual(await shop.accounts(), [
    [5, 5],
    [0, 10],
  ]);
});

test("checkouts refused by a breaker are not samples of the abort rate", async () => {
  const shop = new Shop();
  await shop.seed(6);
  for (const order of [0, 1, 2]) assert.equal((await shop.post(`/orders/checkout/${order}`)).status, 200);
  assert.equal(shop.abortRate, 0);
  shop.silent.add("stock");
  for (const order of [3, 4, 5]) assertRefused(await shop.post(`/orders/checkout/${order}`), "silence");
  await until(() => shop.lostToStock > 24);
  const { abortRate } = shop;
  assert.ok(abortRate > 0 && abortRate < 1, `${abortRate}`);
  for (let times = 0; times < 50; times += 1) {
    assert.equal(codeOf(await shop.post("/orders/checkout/3")), "service_stock_unavailable");
  }
  assert.equal(shop.abortRate, abortRate);
});

test("a decision about a prepared branch with a lost account creates no account, and ends", async () => {
  for (const [verb, total, status] of [
    ["commit", 2, 200],
    ["abort", 11, 400],
  ] as const) {
    const shop = new Shop();
    await shop.seed(0);
    await shop.putOrder("0", total);
    shop.unheard.add(verb);
    assert.equal((await shop.post("/orders/checkout/0")).status, status, verb);
    await shop.loseStock();
    shop.unheard.clear();
    await shop.quiet();
    assert.equal(await shop.stockAccounts(), 0, verb);
  }
});

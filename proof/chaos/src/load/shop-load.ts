// A checkout system under load: seeded over the API, then used by customers until stopped.
import type { Random } from "assent/internal/ports";
import { systemRandom } from "assent/node";
import { Customer } from "./customer.ts";
import type { ClientOptions } from "./retrying-client.ts";
import type { History } from "./history.ts";
import { createItem, createUser, type KeyedRequest, move } from "./keyed-request.ts";
import { Pace } from "./pace.ts";
import { Shop } from "./shop.ts";

export interface ShopLoadOptions {
  /** Of the gateways. */
  readonly urls: readonly string[];
  /** Number of customers, each with one request at a time. */
  readonly connections: number;
  /** Attempts per second of all customers together; default: unlimited. */
  readonly requestsPerSecond?: number;
  readonly history: History;
  readonly random?: Random;
}

/** Numbers of seeded rows, a tenth of them scarce or poor, so that some checkouts must fail. */
const itemsSeeded = 300;
const usersSeeded = 300;
const scarceEvery = 10;
const plenty = 1_000_000_000;
const scarceStock = 15;
const poorCredit = 40;
const priceMax = 20;

export class ShopLoad {
  /** Everything that the customers know. */
  readonly shop: Shop = new Shop();
  /** Changes without a clear answer: repeated with their keys when the load is over. */
  readonly open: KeyedRequest[] = [];
  /** Answers that are wrong whatever the final books show. */
  readonly wrong: string[] = [];
  readonly history: History;
  readonly #options: ShopLoadOptions;
  readonly #random: Random;
  readonly #pace: Pace;
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ShopLoadOptions) {
    this.#options = options;
    this.history = options.history;
    this.#random = options.random ?? systemRandom;
    this.#pace = new Pace(options.requestsPerSecond);
  }

  /** Items and users, created and filled over the API. @throws Error unless everything is seeded */
  async seed(): Promise<void> {
    const { shop } = this;
    const key = (): string => this.#random.name();
    const items = Array.from({ length: itemsSeeded }, (_, index) => createItem(shop, key(), 1 + (index % priceMax)));
    const users = Array.from({ length: usersSeeded }, () => createUser(shop, key()));
    await this.#seed([...items, ...users]);
    const stock = [...shop.items.values()].map((thing, index) =>
      move("add_stock", key(), { thing, amount: index % scarceEvery === 0 ? scarceStock : plenty }),
    );
    const credit = [...shop.users.values()].map((thing, index) =>
      move("add_funds", key(), { thing, amount: index % scarceEvery === 0 ? poorCredit : plenty }),
    );
    await this.#seed([...stock, ...credit]);
  }

  start(): void {
    const customers = this.#customers();
    this.#running = Promise.all(customers.map((customer) => customer.run()));
    // Reported by `stop`; until then it must not end the process, which may be in the middle of a fault.
    this.#running.catch(() => undefined);
  }

  /**
   * Ends retries and starts nothing new; resolves when all requests are answered or given up. That may take twice the
   * 10 s of an attempt if gateways do not answer. Rejects if a customer failed because of a bug.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #seed(requests: readonly KeyedRequest[]): Promise<void> {
    let next = 0;
    const work = async (customer: Customer): Promise<void> => {
      for (let keyed = requests[next++]; keyed !== undefined; keyed = requests[next++]) {
        if (!(await customer.change(keyed))) throw new Error(`seeding: ${keyed.request.path} was not done`);
      }
    };
    const customers = this.#customers();
    await Promise.all(customers.map(work)).finally(() => {
      for (const customer of customers) customer.close();
    });
  }

  #customers(): readonly Customer[] {
    const { urls, connections } = this.#options;
    const { shop, open, wrong, history } = this;
    const client = (first: number): ClientOptions => ({
      urls,
      first,
      history,
      pace: this.#pace,
      isStopping: () => this.#isStopping,
    });
    const onWrong = (finding: string): void => void wrong.push(finding);
    return Array.from(
      { length: connections },
      (_, first) => new Customer({ shop, random: this.#random, client: client(first), open, onWrong }),
    );
  }
}

// One customer: a connection to each gateway, and a sequence of actions. Actions and purchases are random; every change
// except a checkout carries a key.
import type { Random } from "assent/internal/ports";
import type { RequestKind } from "./attempt.ts";
import { type RequestResult, type ClientOptions, RetryingClient } from "./retrying-client.ts";
import { addLine, createOrder, type KeyedRequest, move } from "./keyed-request.ts";
import type { Item, Shop, ShopOrder, Thing } from "./shop.ts";

export interface CustomerOptions {
  readonly shop: Shop;
  readonly random: Random;
  readonly client: ClientOptions;
  /** Requests without a clear answer, from all customers: repeated with their keys when the load is over. */
  readonly open: KeyedRequest[];
  /** Called for answers that are always wrong. */
  readonly onWrong: (finding: string) => void;
}

/** Shares of a customer's actions. They add up to 1. */
const mix = { buy: 0.5, checkoutAgain: 0.15, find: 0.17, moveStock: 0.09, moveCredit: 0.09 } as const;
/** Share of new orders that are checked out twice at the same time, over two gateways. */
const twiceAtOnce = 0.15;
const linesMax = 3;
const quantityMax = 3;
const movedMax = 20;
/** How many times a failed checkout is retried, after the user was given money. */
const secondTry = 0.3;
const secondTryFunds = 60;
/** Number of paid orders remembered for repeated checkouts. */
const paidKept = 200;

export class Customer {
  readonly #options: CustomerOptions;
  readonly #client: RetryingClient;
  /** For concurrent requests; it starts with another gateway. */
  readonly #other: RetryingClient;
  readonly #items: readonly Item[];
  readonly #users: readonly Thing[];
  readonly #paid: string[] = [];

  constructor(options: CustomerOptions) {
    const { client, shop } = options;
    this.#options = options;
    this.#client = new RetryingClient(client);
    this.#other = new RetryingClient({ ...client, first: client.first + 1 });
    this.#items = [...shop.items.values()];
    this.#users = [...shop.users.values()];
  }

  /** Runs until stopped. */
  async run(): Promise<void> {
    while (!this.#options.client.isStopping()) await this.#next();
    this.close();
  }

  close(): void {
    this.#client.close();
    this.#other.close();
  }

  /** Sends a request; without a clear answer it stays open. Returns whether it was done. */
  async change(keyed: KeyedRequest): Promise<boolean> {
    const { open, onWrong } = this.#options;
    const answer = await this.#client.ask(keyed.request);
    const { verdict, status, body } = answer;
    const { kind, path } = keyed.request;
    if (verdict === "done") keyed.done(answer);
    else if (verdict !== "refused") open.push(keyed);
    else if (kind !== "subtract_stock" && kind !== "pay") {
      onWrong(`${path} cannot fail, but was answered ${status} ${body}`);
    }
    return verdict === "done";
  }

  #next(): Promise<unknown> {
    let drawn = this.#options.random.uniform();
    if ((drawn -= mix.buy) < 0) return this.#buy();
    if ((drawn -= mix.checkoutAgain) < 0) return this.#checkoutAgain();
    if ((drawn -= mix.find) < 0) return this.#find();
    if ((drawn -= mix.moveStock) < 0) return this.#move(["add_stock", "subtract_stock"], this.#draw(this.#items));
    return this.#move(["add_funds", "pay"], this.#draw(this.#users));
  }

  async #buy(): Promise<void> {
    const { shop, client } = this.#options;
    const user = this.#draw(this.#users);
    let made: ShopOrder | undefined;
    await this.change(createOrder(shop, this.#key(), { user: user.id, made: (order) => (made = order) }));
    const order = made as ShopOrder | undefined;
    if (order === undefined) return;
    for (let left = this.#upTo(linesMax); left > 0; left -= 1) {
      const line = [this.#draw(this.#items).id, this.#upTo(quantityMax)] as const;
      const isAdded = await this.change(addLine(order, this.#key(), line));
      // An order whose contents are not known is not bought.
      if (!isAdded || client.isStopping()) return;
    }
    const first = await this.#checkout(order);
    if (first.verdict !== "refused" || this.#options.random.uniform() >= secondTry || client.isStopping()) return;
    if (await this.change(move("add_funds", this.#key(), { thing: user, amount: secondTryFunds }))) {
      await this.#checkout(order);
    }
  }

  async #checkout({ id }: ShopOrder): Promise<RequestResult> {
    const ask = (client: RetryingClient): Promise<RequestResult> => client.ask(checkoutOf("checkout", id));
    const isTwice = this.#options.random.uniform() < twiceAtOnce;
    const [answer, other] = await Promise.all([ask(this.#client), ...(isTwice ? [ask(this.#other)] : [])]);
    const done = [answer, other].find((each) => each?.verdict === "done");
    if (done !== undefined) this.#remember(id);
    return done ?? answer;
  }

  async #checkoutAgain(): Promise<void> {
    if (this.#paid.length === 0) return this.#buy();
    const order = this.#draw(this.#paid);
    await this.#client.ask(checkoutOf("checkout_again", order));
  }

  #find(): Promise<unknown> {
    const drawn = this.#options.random.uniform();
    if (drawn < 1 / 3 && this.#paid.length > 0)
      return this.#look("find_order", `/orders/find/`, this.#draw(this.#paid));
    if (drawn < 2 / 3) return this.#look("find_item", "/stock/find/", this.#draw(this.#items).id);
    return this.#look("find_user", "/payment/find_user/", this.#draw(this.#users).id);
  }

  async #look(kind: RequestKind, path: string, subject: string): Promise<void> {
    const { verdict, body } = await this.#client.ask({ kind, method: "GET", path: `${path}${subject}`, subject });
    if (verdict === "refused") this.#options.onWrong(`${kind} of ${subject}, which exists, was refused: ${body}`);
    if (verdict === "done" && /:-/.test(body))
      this.#options.onWrong(`${kind} of ${subject} returned less than 0: ${body}`);
  }

  async #move(
    kinds: readonly ["add_stock", "subtract_stock"] | readonly ["add_funds", "pay"],
    thing: Thing,
  ): Promise<void> {
    const kind = this.#options.random.uniform() < 0.5 ? kinds[0] : kinds[1];
    await this.change(move(kind, this.#key(), { thing, amount: this.#upTo(movedMax) }));
  }

  #remember(order: string): void {
    if (this.#paid.length < paidKept) this.#paid.push(order);
    else this.#paid[Math.floor(this.#options.random.uniform() * paidKept)] = order;
  }

  #draw<T>(things: readonly T[]): T {
    return things[Math.floor(this.#options.random.uniform() * things.length)] as T;
  }

  /** From 1. */
  #upTo(most: number): number {
    return 1 + Math.floor(this.#options.random.uniform() * most);
  }

  #key(): string {
    return this.#options.random.name();
  }
}

export function checkoutOf(
  kind: "checkout" | "checkout_again" | "resolve",
  subject: string,
): { kind: typeof kind; method: "POST"; path: string; subject: string } {
  return { kind, method: "POST", path: `/orders/checkout/${subject}`, subject };
}

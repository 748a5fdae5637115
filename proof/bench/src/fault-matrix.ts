// Every injection point with every action: the fault must fire, every order must get a definite answer, and the books
// must be exact afterwards, without intervention.
import { fieldOf, objectOf, parseJson } from "assent/internal/protocol";
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { judgeLeftOver } from "@assent/books";
import { KeepAliveClient } from "./keep-alive-client.ts";
import { untilQuiet } from "./shop-books.ts";

export interface FaultMatrixOptions {
  /** The system's address; read each time, because a restart may change it. */
  readonly url: () => string;
  readonly protocol: "2pc" | "saga";
  /** Whether a process has died since the last `revive`. */
  readonly hasDied: () => boolean;
  /** Restarts a dead process, unless the topology does; resolves when checkouts are accepted again. */
  readonly revive: () => Promise<void>;
  /** The system's latest output, for an error. */
  readonly log?: () => string;
  /** Default: all cases. */
  readonly cases?: readonly FaultCase[];
  readonly onCase?: (result: FaultCaseResult) => void;
}

export interface FaultCase {
  readonly service: "orders" | "stock" | "payment";
  readonly point: string;
  readonly action: "crash" | "error" | "delay" | "drop_reply" | "duplicate";
  /** Whether the order that meets the fault can be paid, or fails for lack of the other service's resource. */
  readonly order: "pays" | "fails";
}

export interface FaultCaseResult extends FaultCase {
  readonly fired: boolean;
}

export interface FaultMatrixReport {
  readonly cases: readonly FaultCaseResult[];
  readonly paid: number;
  readonly failed: number;
  /** Empty if everything is correct. */
  readonly findings: readonly string[];
}

const actions = ["error", "delay", "drop_reply", "duplicate", "crash"] as const;
const delayMs = 150;
const plenty = 1_000_000;
/** Seeded orders have two items. */
const unitsPerOrder = 2;
/** Orders checked out around each fault: few enough that replies dropped for all open no breaker. */
const around = 1;
/** Longer than a breaker opened by earlier faults stays open. */
const fireDeadlineMs = 60_000;
const answerDeadlineMs = 90_000;
const requestMs = 30_000;
const pollMs = 50;
/** A lack of stock or credit is the order's own failure. Any other 400 may be retried, and then succeeds. */
export const lacking: readonly string[] = ["insufficient_credit", "insufficient_stock"];

export function faultCases(protocol: "2pc" | "saga"): readonly FaultCase[] {
  const [vote, forward, backward] =
    protocol === "2pc" ? ["prepare", "commit", "abort"] : ["execute", "complete", "compensate"];
  const places: readonly (readonly [FaultCase["service"], string, FaultCase["order"]])[] = [
    ["stock", vote ?? "", "pays"],
    ["payment", vote ?? "", "pays"],
    ["stock", forward ?? "", "pays"],
    ["payment", forward ?? "", "pays"],
    ["stock", backward ?? "", "fails"],
    ["orders", "begin", "pays"],
    ["orders", "decide", "pays"],
    ["orders", "decide", "fails"],
    ["orders", "end", "pays"],
  ];
  return actions.flatMap((action) =>
    places.flatMap(([service, step, order]) =>
      [`before_${step}`, `after_${step}`].map((point) => ({ service, point, action, order })),
    ),
  );
}

/** A few of all cases, chosen at random in each run. */
export function drawnCases(protocol: "2pc" | "saga", count: number): readonly FaultCase[] {
  const left = [...faultCases(protocol)];
  return Array.from({ length: count }, () => left.splice(randomInt(left.length), 1)).flat();
}

export async function faultMatrix(options: FaultMatrixOptions): Promise<FaultMatrixReport> {
  const cases = options.cases ?? faultCases(options.protocol);
  const api = new Api(options);
  const shop = await openShop(api, cases.length * (1 + around));
  const results: FaultCaseResult[] = [];
  for (const [index, fault] of cases.entries()) {
    const fired = await tryFault(api, fault, shop.ordersOf(index, fault.order));
    const result = { ...fault, fired };
    results.push(result);
    options.onCase?.(result);
  }
  return { cases: results, ...(await settle(api, shop, results)) };
}

interface Shop {
  /** The order that meets the fault of a case, and the orders around it. */
  ordersOf(index: number, kind: FaultCase["order"]): { readonly target: string; readonly others: readonly string[] };
}

/** Item 0 is plentiful, user 0 rich and user 1 poor; orders of user 0 pay, those of user 1 fail for lack of credit. */
async function openShop(api: Api, ordersOfEach: number): Promise<Shop> {
  await api.done(`/stock/batch_init/1/${plenty}/1`);
  await api.done(`/payment/batch_init/1/${plenty}`);
  const poor = (await api.json("POST", "/payment/create_user"))["user_id"];
  await api.done(`/orders/batch_init/${ordersOfEach}/1/1/1`);
  const failing: string[] = [];
  const perCase = 1 + around;
  for (let index = 0; index < ordersOfEach / perCase; index += 1) {
    const order = String((await api.json("POST", `/orders/create/${String(poor)}`))["order_id"]);
    await api.done(`/orders/addItem/${order}/0/1`);
    failing.push(order);
  }
  return {
    ordersOf(index, kind) {
      const paying = Array.from({ length: perCase }, (_, number) => String(index * perCase + number));
      const [first = "", ...others] = paying;
      return { target: kind === "pays" ? first : (failing[index] ?? ""), others };
    },
  };
}

async function tryFault(
  api: Api,
  { service, point, action }: FaultCase,
  { target, others }: { readonly target: string; readonly others: readonly string[] },
): Promise<boolean> {
  const rule = { point, action, value: action === "delay" ? delayMs : 0, count: 1 };
  // Others are still being checked out: a crash may come before the request that sets it is answered.
  await api.done(`/${service}/fault/set`, { body: rule, orElse: () => api.hasDied() });
  for (const order of [target, ...others]) api.insist(order);
  const fired = await api.until(() => (action === "crash" ? api.hasDied() : api.hasFired(service, point)));
  await api.revive();
  await api.done(`/${service}/fault/clear`);
  return fired;
}

/** Every order gets a definite answer in the end, and the books are exact. */
async function settle(
  api: Api,
  shop: Shop,
  cases: readonly FaultCaseResult[],
): Promise<Omit<FaultMatrixReport, "cases">> {
  const findings = cases
    .filter(({ fired }) => !fired)
    .map(({ service, point, action }) => `${service} ${point} ${action} did not fire`);
  const expected = cases.flatMap((fault, index) => {
    const { target, others } = shop.ordersOf(index, fault.order);
    return [
      { order: target, outcome: fault.order === "pays" ? 200 : 400 },
      ...others.map((order) => ({ order, outcome: 200 })),
    ];
  });
  const unpaid = new Set<number>();
  await Promise.all(
    expected.map(async ({ order, outcome }, index) => {
      const status = await api.outcomeOf(order);
      if (status !== outcome) findings.push(`order ${order} is ${status}, not ${outcome}`);
      if (outcome !== 200) unpaid.add(index);
    }),
  );
  findings.push(...api.serverErrors);
  if (!(await api.untilQuiet())) findings.push(`transactions are unfinished after ${answerDeadlineMs} ms`);
  const paid = expected.length - unpaid.size;
  const { stock } = await api.json("GET", "/stock/find/0");
  const { credit } = await api.json("GET", "/payment/find_user/0");
  const sums = { given: plenty, taken: 0, sold: unitsPerOrder * paid };
  for (const [name, left] of Object.entries({ stock, credit })) {
    const wrong = judgeLeftOver({ ...sums, name, left: Number(left) });
    if (wrong !== undefined) findings.push(wrong);
  }
  return { paid, failed: unpaid.size, findings };
}

interface HttpAnswer {
  /** 0 if there was none. */
  readonly status: number;
  readonly text: string;
}

/** The system's API, used by a patient client. */
class Api {
  readonly #options: FaultMatrixOptions;
  /** Checkouts that were answered 5xx, which must never happen. */
  readonly serverErrors: string[] = [];
  readonly #outcomes = new Map<string, Promise<number>>();

  constructor(options: FaultMatrixOptions) {
    this.#options = options;
  }

  revive(): Promise<void> {
    return this.#options.revive();
  }

  async call(method: string, path: string, body?: object): Promise<HttpAnswer> {
    try {
      const response = await fetch(this.#options.url() + path, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
        signal: AbortSignal.timeout(requestMs),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
      return { status: 0, text: `${String(error)}${cause}` };
    }
  }

  /** @throws Error unless it is answered 200 in the end, or the alternative condition holds */
  async done(path: string, options: { body?: object; orElse?: () => Promise<boolean> } = {}): Promise<void> {
    const deadline = performance.now() + answerDeadlineMs;
    for (;;) {
      const { status, text } = await this.call("POST", path, options.body);
      if (status === 200 || (await options.orElse?.()) === true) return;
      if (performance.now() > deadline) throw new Error(`${path}: ${status} ${text}\n${this.#options.log?.() ?? ""}`);
      await pause(pollMs);
    }
  }

  async json(method: string, path: string): Promise<Record<string, unknown>> {
    const { status, text } = await this.call(method, path);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return objectOf(text);
  }

  /** Starts a checkout, and repeats it until the answer is definite. */
  insist(order: string): void {
    this.#outcomes.set(order, this.#clearAnswer(order));
  }

  /** The definite status that `insist` got, if it is still the same; otherwise 0. */
  async outcomeOf(order: string): Promise<number> {
    const first = await this.#outcomes.get(order);
    const again = await this.#clearAnswer(order);
    return first === again ? again : 0;
  }

  async #clearAnswer(order: string): Promise<number> {
    const deadline = performance.now() + answerDeadlineMs;
    for (;;) {
      const { status, text } = await this.call("POST", `/orders/checkout/${order}`);
      if (status >= 500) this.serverErrors.push(`a checkout answered ${status} ${text}`);
      if (status === 200 || (status === 400 && lacks(text)) || performance.now() > deadline) return status;
      await pause(pollMs);
    }
  }

  /** Polls until it holds, or the time for a fault to fire is over. */
  async until(condition: () => Promise<boolean>): Promise<boolean> {
    const deadline = performance.now() + fireDeadlineMs;
    while (performance.now() < deadline) {
      if (await condition()) return true;
      await pause(pollMs);
    }
    return false;
  }

  async hasFired(service: string, point: string): Promise<boolean> {
    const { status, text } = await this.call("GET", `/${service}/fault/rules?detail=1`);
    return status === 200 && firedIn(text, point);
  }

  async untilQuiet(): Promise<boolean> {
    const client = new KeepAliveClient(this.#options.url());
    const isQuiet = await untilQuiet(client, answerDeadlineMs);
    client.close();
    return isQuiet;
  }

  hasDied(): Promise<boolean> {
    return Promise.resolve(this.#options.hasDied());
  }
}

function lacks(text: string): boolean {
  const code = fieldOf(parseJson(text), "code");
  return typeof code === "string" && lacking.includes(code);
}

function firedIn(text: string, point: string): boolean {
  const { instances } = JSON.parse(text) as {
    readonly instances: readonly { readonly rules: readonly { readonly point: string; readonly fired: number }[] }[];
  };
  return instances.some(({ rules }) => rules.some((rule) => rule.point === point && rule.fired > 0));
}

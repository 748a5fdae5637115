// Commands to branches, and movements of their accounts: few transactions and accounts, so that everything is met
// again, by duplicates, by late commands, by commands under another protocol and by other content.
import type { SeedRequest } from "assent/ledger";
import { type Command, defaultLimits, type Json, type Protocol, type Verb, verbTable } from "assent/internal/protocol";
import { taking } from "../commands.ts";
import type { TestClock } from "../test-clock.ts";
import type { Call } from "./call.ts";
import type { Draw } from "./draw.ts";
import type { Model } from "./model.ts";
import { oddNames } from "./odd-names.ts";

const { maxAgeMs } = defaultLimits;

const attemptsMax = 8;
const pastMax = 40;
const accountIds = ["0", "1", "2"];
/** An account with almost as much as an account can hold. */
const rich = { accountId: "7", available: Number.MAX_SAFE_INTEGER - 1_000_000, tooMuch: 2_000_000 };

const invalidPayloads: readonly Json[] = [
  { entries: [] },
  { entries: [["0", 0]] },
  { entries: [["0", 1.5]] },
  {
    entries: [
      ["0", 1_000_000_000_000],
      ["0", 1],
    ],
  },
];

/** One transaction's part for one branch. */
interface Attempt {
  readonly txId: string;
  readonly branchId: string;
  readonly protocol: Protocol;
  readonly begunAt: number;
  readonly deadlineAt: number;
  readonly payload: Json;
  readonly origin: string;
}

interface World {
  readonly model: Model;
  readonly clock: TestClock;
  readonly draw: Draw;
}

export class RandomBranchCalls {
  readonly #model: Model;
  readonly #clock: TestClock;
  readonly #draw: Draw;
  readonly attempts: Attempt[] = [];
  readonly #past: Attempt[] = [];
  /** What is left of a story. */
  readonly #planned: Call[] = [];
  #made = 0;

  constructor({ model, clock, draw }: World) {
    this.#model = model;
    this.#clock = clock;
    this.#draw = draw;
    for (let index = 0; index < attemptsMax; index += 1) this.attempts.push(this.#attempt());
  }

  /** Commands of one message, or a sweep. */
  next(): Call {
    if (this.#planned.length === 0 && this.#draw.chance(1)) this.#planned.push(...this.#story());
    const planned = this.#draw.chance(80) ? this.#planned.shift() : undefined;
    if (planned !== undefined) return planned;
    // Those that ask come first: a small limit alone would leave no room for what has to go.
    if (this.#draw.chance(6)) return { port: "store", method: "sweep", args: [this.#draw.of([1, 2, 3, 100])] };
    const commands = Array.from({ length: this.#draw.of([1, 1, 1, 2, 3]) }, () => this.#command());
    // A message may arrive twice.
    const [first] = commands;
    if (first !== undefined && this.#draw.chance(5)) commands.push(first);
    return { port: "store", method: "apply", args: [commands] };
  }

  /** A movement on an account outside of transactions, or a look at some. */
  nextOnAccounts(): Call {
    const draw = this.#draw;
    const accountId = draw.chance(6) ? draw.of(oddNames) : draw.of(["0", ...accountIds, "nobody"]);
    const amount = draw.of([1, 2, 3, 0, -1, 0.5]);
    return draw.weighted<Call>([
      [10, this.#seed()],
      [1, { port: "accounts", method: "seed", args: [{ ...seeding("g0", -1), first: 0, count: 1 }] }],
      [2, this.#open()],
      [1, { port: "accounts", method: "seed", args: [{ ...seeding("g0", rich.available), first: 7, count: 1 }] }],
      [8, { port: "accounts", method: "deposit", args: [accountId, amount] }],
      [2, { port: "accounts", method: "deposit", args: [rich.accountId, draw.of([amount, rich.tooMuch])] }],
      [6, { port: "accounts", method: "withdraw", args: [accountId, amount] }],
      [3, { port: "accounts", method: "find", args: [accountId] }],
      [1, { port: "accounts", method: "totals", args: [] }],
    ]);
  }

  #open(): Call {
    const accountId = this.#draw.chance(50) ? this.#draw.of(oddNames) : "2";
    return { port: "accounts", method: "open", args: [{ accountId, generation: this.#name("g"), details: null }] };
  }

  #seed(): Call {
    const first = this.#draw.below(accountIds.length);
    const count = 1 + this.#draw.below(accountIds.length - first);
    const request = { ...seeding(this.#name("g"), this.#draw.of([8, 10, 12])), first, count };
    return { port: "accounts", method: "seed", args: [this.#draw.chance(30) ? this.#takingHoldsAway() : request] };
  }

  /** Under the generation that is there already: what was held is gone, and to settle it has to fail. */
  #takingHoldsAway(): SeedRequest {
    const first = this.#draw.below(accountIds.length);
    const generation = this.#model.accounts.all.get(String(first))?.generation ?? "g0";
    return { ...seeding(generation, 10), first, count: 1 };
  }

  /** Short sequences that would be too rare by chance. */
  #story(): readonly Call[] {
    const seed = (first: number, generation: string): Call => {
      return { port: "accounts", method: "seed", args: [{ ...seeding(generation, 10), first, count: 1 }] };
    };
    const generation = this.#name("g");
    const seeds = [seed(0, generation), seed(1, generation)];
    const apply = (attempt: Attempt, verb: Verb): Call => {
      return { port: "store", method: "apply", args: [[commandOf(attempt, verb)]] };
    };
    const attempt = (
      protocol: Protocol,
      entries: readonly (readonly [accountId: string, amount: number])[],
    ): Attempt => {
      const made: Attempt = { ...this.#attempt(), protocol, payload: taking(...entries) };
      this.attempts[this.#draw.below(attemptsMax)] = made;
      return made;
    };
    if (this.#draw.chance(40)) {
      // P10: when the amount is free again, it is for the branch that has waited for it.
      const wanting = (amount: number): Attempt => attempt("2pc", [["0", amount]]);
      const [holder, first, second] = [wanting(8), wanting(9), wanting(2)];
      const contending = [apply(holder, "prepare"), apply(first, "prepare"), apply(holder, "abort")];
      return [...seeds, ...contending, apply(second, "prepare"), apply(first, "prepare")];
    }
    // M3: the first account could be settled, the second could not.
    const [vote, last] = this.#draw.of([
      ["prepare", "commit"],
      ["prepare", "abort"],
      ["execute", "compensate"],
    ] as const);
    const both = attempt(vote === "execute" ? "saga" : "2pc", [
      ["0", 3],
      ["1", 3],
    ]);
    return [...seeds, apply(both, vote), seed(1, generation), apply(both, last)];
  }

  #name(kind: string): string {
    this.#made += 1;
    return `${kind}${this.#made}`;
  }

  /** Names come again after a while: of transactions that are remembered, and of some that are not any more. */
  #attempt(): Attempt {
    const draw = this.#draw;
    this.#made += 1;
    const window = Math.floor(this.#made / 4);
    // Most are new; of some, the first message was under way for long.
    const age = draw.chance(92) ? draw.below(2) : maxAgeMs + draw.below(2);
    const begunAt = this.#clock.now() - age;
    return {
      txId: `${draw.chance(4) ? draw.of(oddNames) : `order-${window + draw.below(8)}`}:life1:${1 + draw.below(2)}`,
      branchId: draw.of(["stock/0", "stock/1"]),
      protocol: draw.of(["2pc", "2pc", "2pc", "saga", "saga"] as const),
      begunAt,
      deadlineAt: begunAt + 10_000,
      payload: this.#payload(),
      origin: this.#name("origin"),
    };
  }

  #payload(): Json {
    const draw = this.#draw;
    if (draw.chance(8)) return draw.of(invalidPayloads);
    // What many want and one can have.
    if (draw.chance(45)) return taking(["0", 3 + draw.below(7)]);
    const count = draw.of([1, 1, 2, 2, 3]);
    const entries = Array.from({ length: count }, () => [draw.of(accountIds), 1 + draw.below(12)] as const);
    return draw.chance(8) ? taking(...entries, ["nobody", 1]) : taking(...entries);
  }

  /** One that is under way, more often than one that is over. */
  #oneOfAttempts(): Attempt {
    const place = this.#draw.below(attemptsMax);
    const attempt = this.attempts[place] ?? this.#attempt();
    // A duplicate of a transaction that is long over, and perhaps not remembered any more.
    if (this.#past.length > 0 && this.#draw.chance(6)) return this.#draw.of(this.#past);
    const isOver = this.#model.store.all.get(`${attempt.txId}/${attempt.branchId}`)?.stage === "backward";
    if (this.#draw.chance(isOver ? 40 : 10)) {
      this.#past.push(attempt);
      if (this.#past.length > pastMax) this.#past.shift();
      this.attempts[place] = this.#attempt();
    }
    return attempt;
  }

  #command(): Command {
    const draw = this.#draw;
    const attempt = this.#oneOfAttempts();
    const other: Protocol = attempt.protocol === "saga" ? "2pc" : "saga";
    const protocol = draw.chance(93) ? attempt.protocol : other;
    const { vote, forward, backward } = verbTable[protocol];
    const verb = draw.weighted<Verb>([
      [20, vote],
      [8, forward],
      [8, backward],
      [4, "query-or-prevent"],
      [5, "forget"],
    ]);
    const seen = this.#model.store.all.get(`${attempt.txId}/${attempt.branchId}`)?.epoch ?? attempt.begunAt;
    const epoch = seen + draw.of([0, 0, 0, 0, 0, 1, 3, -1]);
    const payload = draw.chance(93) ? attempt.payload : this.#payload();
    return { ...commandOf({ ...attempt, protocol, payload }, verb), epoch };
  }
}

/** What the coordinator of an attempt says; payload, deadline and origin go with the verbs that need them. */
function commandOf(attempt: Attempt, verb: Verb): Command {
  const { txId, branchId, protocol, begunAt, deadlineAt, payload, origin } = attempt;
  const { vote, backward } = verbTable[protocol];
  return {
    txId,
    branchId,
    verb,
    protocol,
    epoch: begunAt,
    begunAt,
    ...(verb === vote && { deadlineAt }),
    ...(verb !== backward && verb !== "forget" && { payload }),
    ...((verb === vote || verb === "query-or-prevent") && { origin }),
  };
}

function seeding(
  generation: string,
  available: number,
): { readonly generation: string; readonly available: number; readonly details: null } {
  return { generation, available, details: null };
}

// Runs transactions, and finishes what was left: the public coordinator over the orchestrator.
import { InvalidDefinition } from "../coordinator/definition.ts";
import { LeasedLeadership } from "../coordinator/leadership.ts";
import { Orchestrator } from "../coordinator/orchestrator.ts";
import type { OrchestratorOptions } from "../coordinator/orchestrator-options.ts";
import { LeasedOwnership } from "../coordinator/ownership.ts";
import type { Bus, CoordinatorStore, OpenLog } from "../ports/index.ts";
import type { JsonObject, Protocol } from "../protocol/index.ts";
import type { Closable } from "./closable.ts";
import { Closing } from "./closing.ts";
import { type RunResult, typedResult } from "./run-result.ts";
import { type Surroundings, surroundingsOf } from "./surroundings.ts";
import { checkName } from "./service.ts";
import { StartedTransaction, type TransactionHandle } from "./transaction-handle.ts";
import { type Unfinished, unfinishedOf, type UnfinishedState } from "./unfinished.ts";
import { type AnyTransaction, plannableOf, type Steps, type Transaction } from "./transaction.ts";

export interface CoordinatorOptions extends Surroundings {
  /** Its name on the bus. Several processes with one name share one log, where the store allows it. */
  readonly name: string;
  readonly log: CoordinatorStore;
  readonly bus: Bus;
  /** All that it may have to finish, too: keep an earlier version until its transactions have ended. */
  readonly transactions: readonly AnyTransaction[];
  /** `auto`, the default, begins with two-phase commit and goes to sagas while many transactions abort. */
  readonly protocol?: Protocol | "auto";
}

/** How long `close` waits for transactions at work; what is left then is finished by the next process. */
const closeWaitMs = 5_000;

export class Coordinator implements Closable {
  readonly #orchestrator: Orchestrator;
  readonly #transactions: ReadonlySet<AnyTransaction>;
  readonly #closing: Closing;

  /** Made by `coordinator`. */
  constructor(made: { orchestrator: Orchestrator; transactions: readonly AnyTransaction[]; closing: Closing }) {
    this.#orchestrator = made.orchestrator;
    this.#transactions = new Set(made.transactions);
    this.#closing = made.closing;
  }

  /**
   * Runs a transaction, joins the attempt that is under way, or returns the success of an earlier call: a key commits
   * once. After an abort it begins another attempt.
   * @throws {InvalidInput} for a key or an input that does not fit, before anything is begun · {InvalidDefinition} for
   * a transaction that is not among those of this coordinator, and could not be finished by it · nothing else
   */
  async run<Input, S extends Steps>(
    transaction: Transaction<Input, S>,
    key: string,
    input: Input,
  ): Promise<RunResult<S>> {
    const request = { key, input: input as JsonObject };
    return typedResult(await this.#orchestrator.run(this.#known(transaction), request));
  }

  /**
   * The same, and resolves as soon as the attempt is durable.
   * @throws {NotStarted} when nothing was begun, or that is not known · {InvalidInput} as `run`
   */
  async start<Input, S extends Steps>(
    transaction: Transaction<Input, S>,
    key: string,
    input: Input,
  ): Promise<TransactionHandle<S>> {
    const handle = this.get(transaction, key);
    const result = await this.#orchestrator.begin(this.#known(transaction), { key, input: input as JsonObject });
    if (result.kind === "started" || result.kind === "committed" || result.kind === "aborted") return handle;
    throw new NotStarted(typedResult(result));
  }

  /** A transaction by its key, whether it has begun or not. Begins nothing. */
  get<Input, S extends Steps>(transaction: Transaction<Input, S>, key: string): TransactionHandle<S> {
    return new StartedTransaction(this.#orchestrator, { plannable: this.#known(transaction), key });
  }

  /**
   * The transactions that have not ended, of all processes that share the log. One that changes hands meanwhile may be
   * missed, or met twice. Rejects when the log does not answer.
   */
  async *list({ state }: { readonly state?: UnfinishedState } = {}): AsyncGenerator<Unfinished> {
    for await (const record of this.#orchestrator.operator.unfinished()) {
      const unfinished = unfinishedOf(record);
      if (state === undefined || unfinished.state === state) yield unfinished;
    }
  }

  /**
   * Tries an unfinished transaction again at once, instead of when that falls due. True: this process drives it. False:
   * it has ended, another process drives it, or no process knows its version.
   */
  retry({ tx }: Pick<Unfinished, "tx">): Promise<boolean> {
    return this.#orchestrator.operator.retry(tx);
  }

  /** Begins nothing more, waits a little for what is under way, and leaves the rest to the next process. */
  close(): Promise<void> {
    return this.#closing.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #known(transaction: AnyTransaction): ReturnType<typeof plannableOf> {
    if (this.#transactions.has(transaction)) return plannableOf(transaction);
    throw new InvalidDefinition(`${transaction.name} is not among the transactions of this coordinator`);
  }
}

/** `start` has begun nothing; or, with the code `pending`, whether it has is not known. `code` is stable. */
export class NotStarted extends Error {
  readonly code: "key_reused" | "unavailable" | "pending";
  readonly result: Exclude<RunResult<Steps>, { kind: "committed" | "aborted" }>;

  constructor(result: RunResult<Steps>) {
    super(messageOf(result));
    this.name = "NotStarted";
    const open = result as NotStarted["result"];
    this.code = open.kind;
    this.result = open;
  }
}

function messageOf(result: RunResult<Steps>): string {
  switch (result.kind) {
    case "key_reused":
      return "the key belongs to another transaction or to other input; nothing was begun: choose another key";
    case "unavailable":
      return `nothing was begun (${result.reason}): start it again after ${result.retryAfterMs} ms`;
    default:
      return "whether it has begun is not known: start it again with the same key";
  }
}

/** Opens the log, takes over what earlier processes left, and runs transactions until it is closed. */
export async function coordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { name, log: store, bus, transactions, protocol = "auto", ...rest } = options;
  checkName("the name of a coordinator", name);
  const surroundings = surroundingsOf(rest);
  const opened = await store.openLog({ coordinator: name, ...surroundings });
  const closing = new Closing(() => opened.close());
  return closing.unlessFailing(async () => {
    const connection = await bus.connect(surroundings);
    closing.first(() => connection.close());
    const owner = `${name}-${surroundings.random.name()}`;
    const orchestrator = new Orchestrator({
      service: name,
      owner,
      definitions: transactions.map(plannableOf),
      log: opened.log,
      transport: connection.commands,
      protocol,
      ...surroundings,
      ...(await sharing(opened, { owner, service: name, ...surroundings }, closing)),
    });
    closing.first(() => orchestrator.stop(closeWaitMs));
    await connection.serveQuestions(name, (question) => orchestrator.answerQuestion(question));
    await orchestrator.start();
    return new Coordinator({ orchestrator, transactions, closing });
  });
}

/** What a process needs that may have others beside it on its log. */
async function sharing(
  { lease, mayLoseTail = false }: OpenLog,
  as: { owner: string; service: string } & ReturnType<typeof surroundingsOf>,
  closing: Closing,
): Promise<Pick<OrchestratorOptions, "ownership" | "leadership" | "logMayLoseTail">> {
  if (lease === undefined) return { logMayLoseTail: mayLoseTail };
  const ownership = new LeasedOwnership({ lease, ...as });
  closing.first(() => ownership.stop());
  await ownership.start();
  return { ownership, leadership: new LeasedLeadership({ lease, ...as }), logMayLoseTail: mayLoseTail };
}

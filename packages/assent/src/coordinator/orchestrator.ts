// What people call: run a transaction, answer branches that ask, recover what others left.
import {
  type BranchSpec,
  checkLimits,
  defaultLimits,
  type JsonObject,
  type Outcome,
  type Protocol,
  type Question,
  type QuestionAnswer,
  type HistoryEntry,
  type TransactionRecord,
} from "../protocol/index.ts";
import { Admission, defaultAdmissionLimits } from "./admission.ts";
import { defaultBreakerLimits } from "../protocol/breaker.ts";
import { beginRequest } from "./begin-request.ts";
import { Breakers } from "./breakers.ts";
import { type AnyTransaction, type Plannable, planBranches } from "./definition.ts";
import { soleLeadership } from "./leadership.ts";
import { LiveTransactions } from "./live-transactions.ts";
import { Operator } from "./operator.ts";
import type { OrchestratorOptions } from "./orchestrator-options.ts";
import { exclusiveOwnership } from "./ownership.ts";
import { silentObserver } from "../ports/observer.ts";
import type { BeginRequest, BeginResult } from "../ports/transaction-log.ts";
import { QuestionDesk } from "./question-desk.ts";
import { Recovery } from "./recovery.ts";
import { outputsOf } from "./outputs.ts";
import { type Pin, pinOf } from "./pinned-plan.ts";
import {
  comeBackAfterMs,
  type NothingBegun,
  pending,
  repeatedly,
  type RunResult,
  type Started,
  resultOf,
} from "./run-result.ts";
import { type CheckedRequest, checkedRequest, checkKey, type RunRequest } from "./run-request.ts";
import { policyOf, type ProtocolPolicy } from "./selector.ts";
import { InvalidInput } from "./standard-schema.ts";
import { type DriverEnvironment, TransactionDriver } from "./transaction-driver.ts";
import { readStatus, type TransactionStatus } from "./transaction-status.ts";
import { answerKnown, changedNothing, type StoreUnavailable, storeUnavailable } from "./unbegun.ts";
import { waitFor } from "./wait-for.ts";

/** What a caller of `run` or `begin` waits for. */
interface Caller {
  /** Monotonic. */
  readonly giveUpAt: number;
  readonly onBegun: (txId: string) => void;
}

export class Orchestrator {
  readonly #owner: string;
  readonly #definitions: readonly AnyTransaction[];
  readonly #environment: DriverEnvironment;
  /** The protocol is a setting, and no choice. */
  readonly #isFixed: boolean;
  readonly #policy: ProtocolPolicy;
  readonly #admission: Admission;
  readonly #recovery: Recovery;
  readonly #questions: QuestionDesk;
  readonly operator: Operator;
  readonly #live: LiveTransactions;
  /** Nothing new is let in. */
  #stopped = false;
  /** Nothing is driven any more. */
  #left = false;

  constructor(options: OrchestratorOptions) {
    const observer = options.observer ?? silentObserver;
    const { clock, random, log, transport, service } = options;
    const limits = checkLimits(options.limits ?? defaultLimits);
    const breakers = new Breakers({ clock, observer, limits: options.breaker ?? defaultBreakerLimits });
    const ownership = options.ownership ?? exclusiveOwnership;
    this.#owner = options.owner;
    this.#definitions = options.definitions;
    const logMayLoseTail = options.logMayLoseTail ?? false;
    const ports = { log, transport, clock, random, observer };
    this.#environment = { service, ...ports, limits, breakers, ownership, logMayLoseTail };
    this.#isFixed = options.protocol === "2pc" || options.protocol === "saga";
    this.#policy = policyOf(options.protocol ?? "auto", observer);
    this.#admission = new Admission(options.admission ?? defaultAdmissionLimits);
    this.#live = new LiveTransactions({ clock, log });
    this.#recovery = new Recovery({
      environment: this.#environment,
      owner: this.#owner,
      leadership: options.leadership ?? soleLeadership,
      definitions: this.#definitions,
      adopt: (driver) => this.#live.adopt(driver),
      closed: (driver, why) => this.#closed(driver, why),
      isLive: (txId) => this.#live.get(txId) !== undefined,
    });
    this.operator = new Operator({ log, live: this.#live, recovery: this.#recovery });
    this.#questions = new QuestionDesk(this.#environment, (question) => this.#recovery.rebuild(question));
  }

  /** Takes over what an earlier process left, and keeps sweeping. Resolves when the take-over has been started. */
  async start(): Promise<void> {
    await this.#recovery.start();
  }

  /**
   * Stops: no new transactions, no sweeps; waits up to `waitMs` for those in flight and leaves the rest to the next
   * process, which takes them over.
   */
  async stop(waitMs: number): Promise<void> {
    this.#stopped = true;
    this.#recovery.stop();
    await this.#live.finish(waitMs);
    this.#left = true;
    this.#live.abandon();
  }

  /**
   * Starts an attempt at `transaction` for a key, joins the one that is running, or answers the one that succeeded. Use
   * `status` to look without starting anything.
   * @throws {InvalidInput} before anything else, for an invalid key, for input that JSON cannot carry exactly or
   * that the schema refuses; it rejects with nothing else
   */
  run<Input>(transaction: Plannable<Input>, request: RunRequest): Promise<RunResult> {
    return this.#run(transaction, request, () => undefined);
  }

  /** Like `run`, but resolves as soon as an attempt is durable: it continues whether or not a caller waits. */
  begin<Input>(transaction: Plannable<Input>, request: RunRequest): Promise<RunResult | Started> {
    return new Promise((resolve, reject) => {
      this.#run(transaction, request, (txId) => resolve({ kind: "started", txId })).then(resolve, reject);
    });
  }

  async #run<Input>(
    transaction: Plannable<Input>,
    request: RunRequest,
    onBegun: (txId: string) => void,
  ): Promise<RunResult> {
    const { clock, limits } = this.#environment;
    const checked = checkedRequest(transaction, request, limits);
    if (this.#stopped) return this.#refuse("stopping");
    const entry = this.#admission.enter();
    if (entry.kind === "refused") return this.#refuse("overloaded");
    const giveUpAt = clock.monotonic() + limits.requestWaitMs;
    if (entry.kind === "queued" && !(await this.#admitted(entry.admitted))) return this.#refuse("overloaded");
    try {
      if (clock.monotonic() >= giveUpAt || this.#stopped) return this.#refuse("overloaded");
      // A log that never answers holds no caller longer than the request wait; the attempt goes on without it.
      const attempt = this.#attemptOrPending(transaction, checked, { giveUpAt, onBegun });
      return (await waitFor(clock, attempt, giveUpAt - clock.monotonic())) ?? pending;
    } finally {
      this.#admission.leave();
    }
  }

  /**
   * What is known about a key: nothing, or the state of its latest attempt. Starts nothing. Rejects when the log does
   * not answer; the outcome is then unknown.
   * @throws {InvalidInput} for an invalid key
   */
  async status<Input>(transaction: Plannable<Input>, key: string): Promise<TransactionStatus> {
    const { log, limits } = this.#environment;
    checkKey(key, limits);
    const outcomeHere = (txId: string): Promise<Outcome | undefined> => this.#live.outcomeHere(txId);
    return readStatus({ log, outcomeHere }, { key, definition: transaction.name });
  }

  /** The outcome of the latest attempt at a key, which may take up to `waitMs`. Starts nothing. Rejects as `status`. */
  async result<Input>(transaction: Plannable<Input>, key: string, waitMs: number): Promise<RunResult | NothingBegun> {
    const { log, clock } = this.#environment;
    const status = await this.status(transaction, key);
    if (status.kind === "none" || status.kind === "key_reused") return status;
    if (status.kind === "committed") return repeatedly(status.txId, outputsOf(await log.peek(key)));
    const outcome = await this.#live.outcomeOf(status.txId, clock.monotonic() + waitMs);
    return outcome === undefined ? pending : resultOf(status.txId, outcome, true);
  }

  /** Answers a branch that asks about the outcome of its transaction (P6, R5). */
  answerQuestion(question: Question): Promise<QuestionAnswer> {
    return this.#questions.answer(question);
  }

  /** Answers one message of questions with one message of answers, or with undefined when it is none (M3). */
  handleQuestions(message: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#questions.handle(message);
  }

  /**
   * What became of a transaction, write by write, oldest first, as the log has it durably; empty when it has nothing
   * (any more). Rejects when the log does not answer, which says nothing.
   */
  history(txId: string): Promise<readonly HistoryEntry[]> {
    return this.#environment.log.history(txId);
  }

  /** One sweep of the log, now. */
  async sweep(): Promise<void> {
    await this.#recovery.sweep();
  }

  /** What this process is doing now. */
  load(): { readonly inFlight: number; readonly queued: number; readonly live: number; readonly abortRate: number } {
    const { inFlight, queued } = this.#admission;
    return { inFlight, queued, live: this.#live.size, abortRate: this.#policy.abortRate() };
  }

  /** The protocol that a transaction begun now would use. */
  currentProtocol(): Protocol {
    return this.#policy.choose(this.#environment.breakers.allClosed());
  }

  /** False when the place did not come in time; it is handed on when it comes. */
  async #admitted(place: Promise<void>): Promise<boolean> {
    const { clock, limits } = this.#environment;
    const came = place.then(() => true);
    if ((await waitFor(clock, came, limits.requestWaitMs)) === true) return true;
    void place.then(() => this.#admission.leave());
    return false;
  }

  /** Also reports an error if no caller waits for the attempt any more. */
  async #attemptOrPending<Input>(
    transaction: Plannable<Input>,
    request: CheckedRequest,
    caller: Caller,
  ): Promise<RunResult> {
    try {
      return await this.#attempt(transaction, request, caller);
    } catch (error) {
      // The log did not answer: the attempt may have begun, so nothing may be concluded (C2).
      const work = `run ${transaction.name} ${request.key}`;
      this.#environment.observer.observe({ type: "BackgroundWorkFailed", work, error });
      return pending;
    }
  }

  async #attempt<Input>(
    transaction: Plannable<Input>,
    request: CheckedRequest,
    { giveUpAt, onBegun }: Caller,
  ): Promise<RunResult> {
    const { breakers, limits } = this.#environment;
    const pin = pinOf(transaction, request, limits);
    const asked = (): BeginRequest => this.#beginRequest(transaction, request, pin);
    const [first = ""] = pin.services;
    if (this.#isCutOff()) return this.#refusedUnbegun(asked(), first);
    const entered = breakers.enter(pin.services);
    if ("cutOff" in entered) return this.#refusedUnbegun(asked(), entered.cutOff);
    try {
      for (;;) {
        const startedAt = this.#environment.clock.monotonic();
        const result = await this.#begin(asked());
        if ("txId" in result && result.kind !== "releasing") onBegun(result.txId);
        if (result.kind === "begun") onBegun(result.record.txId);
        switch (result.kind) {
          case "begun":
            return await this.#drive(transaction, result.record, { startedAt, giveUpAt });
          case "committed":
            return repeatedly(result.txId, await this.#outputs(transaction, request.key));
          case "absent":
          case "key_reused":
          case "unmet":
          case "store_unavailable":
            return result;
          case "in_flight": {
            const outcome = await this.#live.outcomeOf(result.txId, giveUpAt);
            return outcome === undefined ? pending : resultOf(result.txId, outcome, true);
          }
          case "releasing":
            await this.#live.release(result.txId);
            if (this.#environment.clock.monotonic() >= giveUpAt || this.#stopped) return pending;
        }
      }
    } finally {
      breakers.release(entered.probes);
    }
  }

  /** Nothing has left this process for a while: an attempt begun now would only wait for its deadline. */
  #isCutOff(): boolean {
    const { transport, clock, limits } = this.#environment;
    const { outage } = transport;
    return outage !== undefined && outage.to === undefined && clock.monotonic() - outage.from >= limits.replyWaitMs;
  }

  #begin(request: BeginRequest): Promise<BeginResult | StoreUnavailable> {
    return this.#unbegun(this.#environment.log.begin(request), changedNothing);
  }

  /** Steps that are declared one by one return nothing, so that the row has not to be read. */
  async #outputs<Input>({ hash }: Plannable<Input>, key: string): Promise<JsonObject | undefined> {
    return hash === "of_plan" ? outputsOf(await this.#environment.log.peek(key)) : undefined;
  }

  /** Reports to the caller that nothing was begun, where the log says so or it is certain (C2). */
  async #unbegun<T>(call: Promise<T>, isUnbegun: (error: unknown) => boolean): Promise<T | StoreUnavailable> {
    try {
      return await call;
    } catch (error) {
      if (!isUnbegun(error)) throw error;
      this.#environment.observer.observe({ type: "BackgroundWorkFailed", work: "begin", error });
      return storeUnavailable;
    }
  }

  #beginRequest<Input>(transaction: Plannable<Input>, request: CheckedRequest, pin: Pin): BeginRequest {
    const { clock, limits } = this.#environment;
    const protocol = this.#protocolOf(transaction, pin);
    const by = { owner: this.#owner, protocol, definitionHash: pin.hash, now: clock.now(), limits };
    return beginRequest(transaction, request, by);
  }

  /** A choice avoids what a service cannot do. Where one was asked for, that service refuses it at once. */
  #protocolOf<Input>({ protocol }: Plannable<Input>, { protocols }: Pin): Protocol {
    const chosen = protocol ?? this.currentProtocol();
    if (chosen === protocol || this.#isFixed || protocols.includes(chosen)) return chosen;
    return protocols[0] ?? chosen;
  }

  /**
   * S5: a breaker keeps new attempts out for as long as a service is away; earlier successes are still returned, and
   * what is under way stays open. Admission asks for nobody that it refuses: it says nothing of earlier attempts, lasts
   * as long as a crowd does, and a round of the store for each whom there is no room for would keep the crowd there.
   */
  async #refusedUnbegun(request: BeginRequest, service: string): Promise<RunResult> {
    const row = await this.#unbegun(this.#environment.log.peek(request.key), () => true);
    if (row !== undefined && "kind" in row) return row;
    const known = answerKnown(row, request);
    if (known !== undefined) return known;
    return this.#refuse("service_unavailable", service);
  }

  async #drive<Input>(
    transaction: Plannable<Input>,
    record: TransactionRecord,
    { startedAt, giveUpAt }: { startedAt: number; giveUpAt: number },
  ): Promise<RunResult> {
    const { observer, clock } = this.#environment;
    observer.observe({ type: "TransactionBegun", txId: record.txId, protocol: record.protocol });
    // Begun while this process was stopping: the next one takes it over like anything else that was left.
    if (this.#left) return pending;
    // Answered so late that it has been taken over here: it has a driver, and gets no second one.
    const driver = this.#live.get(record.txId) ?? this.#newDriver(transaction, record, startedAt);
    const first = await waitFor(clock, driver.outcome, giveUpAt - clock.monotonic());
    // The driver may have stood down; whichever process continues, the outcome is that of this attempt.
    const outcome = first ?? (await this.#live.outcomeOf(record.txId, giveUpAt));
    return outcome === undefined ? pending : resultOf(record.txId, outcome, false);
  }

  #newDriver<Input>(transaction: Plannable<Input>, record: TransactionRecord, startedAt: number): TransactionDriver {
    const plan = this.#plan(transaction, record);
    const driver = new TransactionDriver(this.#environment, {
      record,
      branches: plan.branches,
      role: "owner",
      startedAt,
      onCommit: transaction.onCommit,
      onClosed: (closed, why) => this.#closed(closed, why),
    });
    this.#live.adopt(driver);
    void driver.outcome.then((outcome) => {
      if (outcome !== undefined) this.#policy.finished(outcome.kind === "aborted");
    });
    if (plan.failure === undefined) driver.begin();
    else driver.withdraw(plan.failure);
    return driver;
  }

  /** If the definition fails on the row, that is reported as a failure, and no record is left behind. */
  #plan<Input>(
    transaction: Plannable<Input>,
    record: TransactionRecord,
  ): { readonly branches: readonly BranchSpec[]; readonly failure?: string } {
    const { limits, observer } = this.#environment;
    try {
      if (record.txId.length > limits.idLengthMax) throw new InvalidInput(`the key of ${record.txId} is too long`);
      const branches = planBranches(transaction, record.input, limits);
      return branches.length === 0 ? { branches, failure: "no_branches" } : { branches };
    } catch (error) {
      observer.observe({ type: "BackgroundWorkFailed", work: `plan ${record.txId}`, error });
      return { branches: [], failure: error instanceof InvalidInput ? error.code : "definition_failed" };
    }
  }

  #closed(driver: TransactionDriver, why: "ended" | "stood_down"): void {
    this.#live.closed(driver);
    if (why === "stood_down" && !this.#stopped) this.#recovery.reread(driver.record.txId, driver.seenEpoch);
  }

  #refuse(code: "overloaded" | "stopping" | "service_unavailable", service = ""): RunResult {
    this.#environment.observer.observe({ type: "TransactionRefused", code });
    if (code === "service_unavailable") return { kind: code, service, retryAfterMs: comeBackAfterMs };
    return { kind: "overloaded", retryAfterMs: comeBackAfterMs };
  }
}

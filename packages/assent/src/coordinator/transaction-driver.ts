// Drives one transaction: performs the effects of the coordinator machine and feeds back what came of them.
import {
  type Answer,
  type BranchSpec,
  coordinate,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  coordinatorState,
  decisionOf,
  type Intent,
  type Limits,
  nextEpoch,
  type OperatorNote,
  type Outcome,
  type TransactionRecord,
  type Verb,
} from "../protocol/index.ts";
import { backoffMs, retryDelayMs } from "./backoff.ts";
import { commandOf, isUnwaitedFor, originOf } from "./branch-command.ts";
import { BranchFailures, isOfService } from "./branch-failures.ts";
import type { Breakers } from "./breakers.ts";
import { DriverTimers } from "./driver-timers.ts";
import { commitChange } from "./outputs.ts";
import type { Ownership } from "./ownership.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Random } from "../ports/random.ts";
import type { DecideResult, OwnedWrite, RowChange, TransactionLog } from "../ports/transaction-log.ts";
import type { Transport } from "../ports/transport.ts";
import { VoteDeadlines } from "./vote-deadlines.ts";

/** What every driver of a process shares. */
export interface DriverEnvironment {
  readonly service: string;
  readonly log: TransactionLog;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  readonly limits: Limits;
  readonly breakers: Breakers;
  readonly ownership: Ownership;
  /** Then silence never decides, and no `forget` is sent (docs/adr/0008). */
  readonly logMayLoseTail: boolean;
}

export interface DriverOptions {
  readonly record: TransactionRecord;
  readonly branches: readonly BranchSpec[];
  readonly role: "owner" | "recoverer";
  readonly onCommit?: RowChange | undefined;
  /** Monotonic, from before the record was asked for: what the right of C6 is counted from. */
  readonly startedAt?: number;
  /** Called once: the transaction has ended, or another process owns it. */
  readonly onClosed: (driver: TransactionDriver, why: "ended" | "stood_down") => void;
}

/** A command whose answer is awaited. */
interface SentCommand {
  readonly spec: BranchSpec;
  readonly verb: Verb;
  /** By the monotonic clock. */
  readonly sentAt: number;
  /** No answer came in time. */
  isSilent: boolean;
}

export class TransactionDriver {
  readonly #environment: DriverEnvironment;
  readonly #options: DriverOptions;
  readonly #startedAt: number;
  readonly #timers: DriverTimers;
  readonly #voteDeadlines: VoteDeadlines;
  /** What each branch was asked last, and when that has to be asked again. */
  readonly #expected = new Map<string, { readonly verb: Verb; readonly timer: Timer }>();
  readonly #failures: BranchFailures;
  #state: CoordinatorState;
  #deadline: Timer | undefined;
  #origin: string | undefined;
  #hasClosed = false;
  #isLeft = false;
  #seenEpoch = 0;
  #report: (outcome: Outcome | undefined) => void = () => undefined;

  /** Resolves when the outcome may be returned (C5), or with undefined if this driver stopped before that. */
  readonly outcome: Promise<Outcome | undefined>;
  /** Resolves when the transaction has ended, or is left to another owner. */
  readonly closed: Promise<void>;
  #close: () => void = () => undefined;
  /** Resolves when this driver is done: branches have acknowledged `forget`, or its tries are used up (P7). */
  readonly left: Promise<void>;
  #leave: () => void = () => undefined;

  constructor(environment: DriverEnvironment, options: DriverOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#timers = new DriverTimers(environment.clock);
    this.#voteDeadlines = new VoteDeadlines(environment.clock, this.#timers, (branchId) =>
      this.#dispatch({ type: "VoteFellOverdue", branchId, ownerUninterrupted: this.#isUninterrupted() }),
    );
    this.#startedAt = options.startedAt ?? environment.clock.monotonic();
    this.#state = coordinatorState(options);
    this.#failures = new BranchFailures(options.record.txId, environment);
    this.outcome = new Promise((resolve) => {
      this.#report = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    this.left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  get record(): TransactionRecord {
    return this.#state.record;
  }

  /** The highest epoch that fenced this driver off; 0 when none did. */
  get seenEpoch(): number {
    return this.#seenEpoch;
  }

  /** Starts phase 1 as the owner that has just begun the record. */
  begin(): void {
    const { clock, limits } = this.#environment;
    // Not by the wall clock, which may be set meanwhile: the right of C6 is counted by the monotonic one, too.
    const delayMs = Math.max(0, this.#startedAt + limits.phaseOneDeadlineMs - clock.monotonic());
    this.#deadline = clock.after(delayMs, () => this.#deadlinePassed());
    this.#dispatch({ type: "Begun" });
  }

  /** Gives the record up, because its definition cannot say what to do. */
  withdraw(reason: string): void {
    this.#dispatch({ type: "Withdrawn", reason });
  }

  /** Aborts what is not decided yet, where this process may (C6). False where it may not: nothing has changed. */
  cancel(operator: OperatorNote): boolean {
    const { stage } = this.#state;
    this.#dispatch({ type: "Cancelled", ownerUninterrupted: this.#isUninterrupted(), operator });
    return stage === "voting" && this.#state.stage === "deciding";
  }

  /** Tries at once what would be tried again later. */
  retryNow(): void {
    this.#timers.retryNow();
  }

  /** Continues a record that this process has taken over (R3, R4). */
  recover(): void {
    this.#dispatch({ type: "TakenOver" });
  }

  /** Stops without touching the record, for shutdown. The next process that opens the log takes over. */
  abandon(): void {
    this.#finish("stood_down");
  }

  #dispatch(event: CoordinatorEvent): void {
    if (this.#isLeft) return;
    const { clock, limits, logMayLoseTail } = this.#environment;
    const step = coordinate(this.#state, event, { now: clock.now(), limits });
    this.#state = step.state;
    for (const effect of step.effects) this.#perform(effect);
    const { stage } = this.#state;
    if (stage === "ended" || (stage === "forgetting" && logMayLoseTail)) this.#finish("ended");
    else if (stage === "forgetting") this.#hasEnded("ended");
  }

  #perform(effect: CoordinatorEffect): void {
    switch (effect.type) {
      case "SendCommand":
        return this.#send(effect.branchId, effect.verb);
      case "RetryLater": {
        const { branchId, verb } = effect;
        const delayMs = retryDelayMs(effect.delay, this.#environment.limits, this.#environment.random.uniform());
        return this.#later(delayMs, { type: "RetryFellDue", branchId, verb });
      }
      case "WriteDecision":
        return this.#writeDecision(effect);
      case "WriteEnd":
        return this.#writeEnd();
      case "WriteRetryLater":
        return this.#later(this.#writeBackoffMs(effect.attempts), { type: "WriteRetryFellDue" });
      case "WaitForRelease":
        return this.#later(this.#environment.limits.releaseWaitMs, { type: "ReleaseWaitPassed" });
      case "TellOutcome":
        return this.#report(effect.outcome);
      case "Park":
        return this.#park(effect.note);
      case "RaiseAlarm": {
        const { code, branchId, detail } = effect;
        return this.#environment.observer.observe({
          type: "AlarmRaised",
          txId: this.record.txId,
          code,
          branchId,
          detail,
        });
      }
      case "TakeOverOwnRecord":
        return this.#finish("stood_down");
      case "StandDown":
        this.#seenEpoch = effect.seenEpoch ?? 0;
        return this.#finish("stood_down");
    }
  }

  #send(branchId: string, verb: Verb): void {
    const spec = this.#options.branches.find((branch) => branch.branchId === branchId);
    if (spec === undefined) return;
    const { transport, limits, logMayLoseTail, clock } = this.#environment;
    // The end may still be lost, and then only branches that ask can restore it (R5): no `forget` is sent.
    if (verb === "forget" && logMayLoseTail) return;
    const wait = { waitMs: limits.answerWaitMs, tryForMs: limits.replyWaitMs, mayWait: isUnwaitedFor(verb) };
    const deadlineAt = this.#voteDeadlines.of(spec, verb, this.record.deadlineAt);
    const command = commandOf({ ...this.record, deadlineAt }, { spec, verb, origin: () => this.#originText() });
    const answered = transport.send(spec, command, wait);
    const sent: SentCommand = { spec, verb, sentAt: clock.monotonic(), isSilent: false };
    this.#expectAnswer(sent);
    void answered.then((answer) => this.#heard(sent, answer));
  }

  #heard(sent: SentCommand, answer: Answer | undefined): void {
    const { spec, verb, sentAt } = sent;
    const { branchId } = spec;
    // What was sent again meanwhile is answered all the same: a branch may need longer than that each time.
    if (answer !== undefined && answer.kind !== "unknown") {
      this.#expectNoAnswer(branchId, verb);
      this.#failures.answered(spec, verb);
      return this.#dispatch({ type: "Answered", branchId, verb, answer });
    }
    // A command that is no longer waited for says nothing about its service.
    if (sent.isSilent || this.#isLeft) return;
    this.#expectNoAnswer(branchId, verb);
    if (answer === undefined) return this.#fellSilent(sent);
    if (isOfService(answer)) this.#failures.answered(spec, verb);
    else this.#failures.wentUnanswered(spec, verb, sentAt);
    this.#dispatch({ type: "Answered", branchId, verb, answer });
  }

  /** Its time is over. An answer that comes later counts (docs/adr/0014). */
  #fellSilent(sent: SentCommand): void {
    const { spec, verb, sentAt } = sent;
    const { branchId } = spec;
    sent.isSilent = true;
    this.#failures.wentUnanswered(spec, verb, sentAt);
    this.#dispatch({ type: "WentUnanswered", branchId, verb });
  }

  #expectAnswer(sent: SentCommand): void {
    const { branchId } = sent.spec;
    const before = this.#expected.get(branchId);
    if (before !== undefined) this.#timers.cancel(before.timer);
    const timer = this.#timers.after(this.#environment.limits.replyWaitMs, () => this.#fellSilent(sent));
    this.#expected.set(branchId, { verb: sent.verb, timer });
  }

  /** An answer to something else than what was asked last changes nothing of what is expected. */
  #expectNoAnswer(branchId: string, verb: Verb): void {
    const expected = this.#expected.get(branchId);
    if (expected?.verb === verb) this.#timers.cancel(expected.timer);
  }

  #failed(work: string, error: unknown): void {
    const { observer } = this.#environment;
    observer.observe({ type: "BackgroundWorkFailed", work: `${work} ${this.record.txId}`, error });
  }

  #originText(): string {
    this.#origin ??= originOf(this.record, this.#environment.service);
    return this.#origin;
  }

  #writeDecision({ decision, reason, step, operator, outputs }: Intent): void {
    this.#deadline?.cancel();
    const { txId, owner, epoch } = this.record;
    const change = decision === "commit" ? commitChange(this.#options.onCommit, outputs) : undefined;
    const request = {
      txId,
      owner,
      epoch,
      decision,
      ...(reason !== undefined && { reason }),
      ...(step !== undefined && { step }),
      ...(operator !== undefined && { operator }),
      ...(change !== undefined && { change }),
    };
    this.#environment.log.decide(request).then(
      (result) => this.#decided(result),
      (error: unknown) => {
        this.#failed(`decide ${decision}`, error);
        this.#dispatch({ type: "WriteWentUnanswered", write: "decision" });
      },
    );
  }

  #decided(result: DecideResult): void {
    if (result.kind === "unmet") return this.#dispatch({ type: "DecisionUnmet" });
    if (result.kind === "lost" || result.kind === "absent") return this.#dispatch({ type: "OwnershipLost" });
    const { observer, clock } = this.#environment;
    const { record } = result;
    const decision = decisionOf(record);
    if (decision !== undefined) {
      observer.observe({
        type: "TransactionDecided",
        txId: record.txId,
        protocol: record.protocol,
        decision,
        ...(record.reason !== undefined && { reason: record.reason }),
        durationMs: clock.monotonic() - this.#startedAt,
      });
    }
    this.#dispatch({ type: "DecisionWritten", record });
  }

  #writeEnd(): void {
    const { txId, owner, epoch } = this.record;
    this.#environment.log.end({ txId, owner, epoch }).then(
      (result) => this.#endWritten(result),
      (error: unknown) => {
        this.#failed("end", error);
        this.#dispatch({ type: "WriteWentUnanswered", write: "end" });
      },
    );
  }

  #endWritten(result: OwnedWrite): void {
    if (result.kind === "lost" || result.kind === "absent") return this.#dispatch({ type: "OwnershipLost" });
    this.#environment.observer.observe({ type: "TransactionEnded", txId: result.record.txId });
    this.#dispatch({ type: "EndWritten", record: result.record });
  }

  #park(note: NonNullable<TransactionRecord["parked"]>): void {
    const { observer, log } = this.#environment;
    const { txId, owner, epoch } = this.record;
    observer.observe({ type: "TransactionParked", txId, note });
    log.park({ txId, owner, epoch, note }).then(
      ({ kind }) => {
        // A stale owner would alarm and retry for ever: this is where it learns that it is one.
        if (kind === "lost" || kind === "absent") this.#dispatch({ type: "OwnershipLost" });
      },
      (error: unknown) => this.#failed("park", error),
    );
  }

  #deadlinePassed(): void {
    this.#dispatch({ type: "DeadlinePassed", ownerUninterrupted: this.#isUninterrupted() });
  }

  /** C6, R2: the right to let silence decide, by the monotonic clock and the lease. */
  #isUninterrupted(): boolean {
    const { clock, limits, ownership, logMayLoseTail } = this.#environment;
    if (logMayLoseTail) return false;
    const elapsedMs = clock.monotonic() - this.#startedAt;
    return elapsedMs <= limits.phaseOneDeadlineMs + limits.takeoverGraceMs && ownership.isHeld(this.#startedAt);
  }

  #writeBackoffMs(attempts: number): number {
    return backoffMs(attempts, this.#environment.limits, this.#environment.random.uniform());
  }

  #later(delayMs: number, event: CoordinatorEvent): void {
    const isRetry = event.type === "RetryFellDue" || event.type === "WriteRetryFellDue";
    if (isRetry) this.#timers.retryAfter(delayMs, () => this.#dispatch(event));
    else this.#timers.after(delayMs, () => this.#dispatch(event));
  }

  #finish(why: "ended" | "stood_down"): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#timers.cancelAll();
    this.#hasEnded(why);
    this.#leave();
  }

  /** The transaction has ended for this driver; branches may still have to forget. */
  #hasEnded(why: "ended" | "stood_down"): void {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    this.#failures.close();
    this.#deadline?.cancel();
    this.#options.onClosed(this, why);
    this.#report(undefined);
    this.#close();
  }
}

/** R2: an epoch for taking a record over. */
export function takeoverEpoch(record: TransactionRecord, clock: Clock, seen = 0): number {
  return nextEpoch(clock.now(), record.epoch, seen);
}

// Recovery: taking over what other owners left, rebuilding records that were lost.
import {
  decodeOrigin,
  invariant,
  isEnded,
  isTooFarAhead,
  nextEpoch,
  parseTransactionId,
  type Question,
  type TransactionRecord,
  transactionId,
} from "../protocol/index.ts";
import type { AnyTransaction } from "./definition.ts";
import type { Leadership } from "./leadership.ts";
import { type PinnedPlan, pinnedPlan } from "./pinned-plan.ts";
import type { Observation } from "../ports/observer.ts";
import { type Considered, Sweeper } from "./sweeper.ts";
import { type DriverEnvironment, takeoverEpoch, TransactionDriver } from "./transaction-driver.ts";

export interface RecoveryOptions {
  readonly environment: DriverEnvironment;
  readonly owner: string;
  readonly leadership: Leadership;
  readonly definitions: readonly AnyTransaction[];
  readonly adopt: (driver: TransactionDriver) => void;
  readonly closed: (driver: TransactionDriver, why: "ended" | "stood_down") => void;
  readonly isLive: (txId: string) => boolean;
}

/**
 * The log has lost the branch's attempt, and another definition has taken its key since. A decision of that definition
 * is no answer for the branch. An operator has to settle such a hold.
 */
export function ofAnother({ txId, branchId }: Question): Observation {
  const detail = "the log has lost its attempt, and its key belongs to another definition now";
  return { type: "AlarmRaised", txId, code: "payload_mismatch", branchId, detail };
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #sweeper: Sweeper;
  #stopped = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    const { environment, owner, leadership } = options;
    const consider = (record: TransactionRecord, isOwnerGone: boolean): Promise<Considered> =>
      this.#contained(record.txId, () => this.#considerTakeover(record, { isOwnerGone }));
    this.#sweeper = new Sweeper({
      environment,
      owner,
      leadership,
      consider,
      branchesOf: (record) => {
        const plan = this.#planOf(record);
        return typeof plan === "string" ? plan : plan.branches;
      },
    });
  }

  async start(): Promise<void> {
    await this.#sweeper.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#sweeper.stop();
  }

  async sweep(): Promise<void> {
    await this.#sweeper.sweep();
  }

  /** Ownership of a record was lost, or given up at the deadline: a process that may continues it by R3. */
  reread(txId: string, seenEpoch: number): void {
    void this.#contained(txId, async () => {
      const { environment, owner } = this.#options;
      const record = await environment.log.read(txId);
      if (record === undefined || isEnded(record)) return "done";
      const isOwnerGone = record.owner !== owner && (await environment.ownership.isGone(record.owner));
      return this.#considerTakeover(record, { isOwnerGone, seenEpoch });
    });
  }

  /**
   * R5: no record is never "abort". Creates it, undecided and with an epoch above the asker's, and runs R3.
   * Undefined if the branches are unknown here, as for an unknown definition, or if this process has stopped: the
   * record waits for a process that can continue it.
   */
  async rebuild(question: Question): Promise<TransactionRecord | undefined> {
    if (this.#stopped) return undefined;
    const { environment, owner } = this.#options;
    const origin = decodeOrigin(question.origin);
    const parts = parseTransactionId(question.txId);
    invariant(parts.key === origin.key && transactionId(parts) === question.txId, "R5", "an origin of another attempt");
    const { deadlineAt } = origin;
    const isCredible = !isTooFarAhead({ epoch: question.epoch, deadlineAt }, environment.clock.now());
    invariant(isCredible, "M3", `an origin of ${question.txId} is too far ahead of the clock`);
    const plan = this.#planOf({ ...origin, txId: question.txId });
    if (typeof plan === "string") return undefined;
    const record = await environment.log.rebuild({
      txId: question.txId,
      key: origin.key,
      definition: origin.definition,
      definitionHash: origin.definitionHash,
      protocol: question.protocol,
      state: "active",
      epoch: nextEpoch(environment.clock.now(), question.epoch),
      owner,
      begunAt: question.begunAt,
      deadlineAt: origin.deadlineAt,
      input: origin.input,
      changedAt: environment.clock.now(),
      rebuilt: true,
    });
    if (record === undefined) {
      environment.observer.observe(ofAnother(question));
      return undefined;
    }
    const isLeftAlone = this.#stopped || this.#options.isLive(record.txId);
    if (record.owner === owner && !isEnded(record) && !isLeftAlone) this.#drive(record, plan);
    return record;
  }

  /** `seenEpoch`: its driver here has given it up, having seen this epoch. */
  async #considerTakeover(
    seen: TransactionRecord,
    { isOwnerGone, seenEpoch }: { isOwnerGone: boolean; seenEpoch?: number },
  ): Promise<Considered> {
    const { environment, owner } = this.#options;
    if (this.#options.isLive(seen.txId) || this.#stopped) return "done";
    const hasGivenUp = seen.owner === owner && seenEpoch !== undefined;
    if (!hasGivenUp && !isOwnerGone && !this.#isOverdue(seen)) return "done";
    const plan = this.#planOf(seen);
    if (typeof plan === "string") {
      await this.#parkUnplanned(seen, plan);
      // An owner that lives looks after it, too.
      return isOwnerGone ? "unknown" : "done";
    }
    const taker = { owner, epoch: takeoverEpoch(seen, environment.clock, seenEpoch) };
    const { txId, owner: from, epoch } = seen;
    const write = await environment.log.takeOver({ txId, seen: { owner: from, epoch }, taker });
    if (write.kind === "lost" || write.kind === "absent" || this.#options.isLive(txId) || this.#stopped) return "done";
    environment.observer.observe({ type: "TransactionTakenOver", txId, from });
    this.#drive(write.record, plan);
    return "done";
  }

  /** R2: its owner has let deadline + grace pass. */
  #isOverdue(record: TransactionRecord): boolean {
    const { environment, owner } = this.#options;
    const { clock, limits } = environment;
    // One's own record without a driver may be one whose `begin` is being answered just now: it has until its deadline.
    // A foreign record whose owner has changed is being recovered: instances never take it from each other in turns.
    if (record.owner !== owner && record.epoch > record.begunAt) return false;
    return clock.now() > record.deadlineAt + limits.takeoverGraceMs;
  }

  #drive(record: TransactionRecord, { branches, onCommit }: PinnedPlan): void {
    const { environment, adopt, closed } = this.#options;
    const driver = new TransactionDriver(environment, {
      record,
      branches,
      role: "recoverer",
      onCommit,
      onClosed: closed,
    });
    adopt(driver);
    if (branches.length === 0 && record.state === "active") driver.withdraw("no_branches");
    else driver.recover();
  }

  /** Or why there are none: the pinned definition is not known here, or fails on the input it began with. */
  #planOf(
    record: Pick<TransactionRecord, "txId" | "definition" | "definitionHash" | "input">,
  ): PinnedPlan | "unknown_definition" | "definition_failed" {
    const { environment, definitions } = this.#options;
    // No participant reads such a name, nor what comes with it in one message: its owner has asked nobody anything.
    if (record.txId.length > environment.limits.idLengthMax) {
      return { branches: [], onCommit: undefined };
    }
    try {
      return pinnedPlan(definitions, record, environment.limits) ?? "unknown_definition";
    } catch (error) {
      environment.observer.observe({ type: "BackgroundWorkFailed", work: `plan ${record.txId}`, error });
      return "definition_failed";
    }
  }

  /** A record whose branches are unknown here: visible, kept, and left to a process that knows them (C6). */
  async #parkUnplanned(record: TransactionRecord, reason: string): Promise<void> {
    const { environment } = this.#options;
    const { txId, owner, epoch, parked } = record;
    const note = { reason, since: parked?.since ?? environment.clock.now(), attempts: 0 };
    environment.observer.observe({ type: "TransactionParked", txId, note });
    if (parked === undefined) await environment.log.park({ txId, owner, epoch, note });
  }

  /** An error in one transaction's recovery never touches another's (R6); the next sweep comes back to it. */
  async #contained(txId: string, work: () => Promise<Considered>): Promise<Considered> {
    try {
      return await work();
    } catch (error) {
      this.#options.environment.observer.observe({ type: "BackgroundWorkFailed", work: `recover ${txId}`, error });
      return "failed";
    }
  }
}

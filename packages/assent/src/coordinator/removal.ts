// Removes outcomes whose time is over (P7). A branch that has not acknowledged `forget` would ask about its outcome,
// and the transaction would come back. So `forget` is sent to each branch once more, many in one message. An outcome
// that all branches have acknowledged is removed; the others stay, are reported, and are tried again later.
import { type BranchSpec, isTooFarAhead, outcomeKeptUntil, type TransactionRecord } from "../protocol/index.ts";
import { commandOf } from "./branch-command.ts";
import type { Removable } from "../ports/transaction-log.ts";
import type { DriverEnvironment } from "./transaction-driver.ts";

/** Outcomes looked at in one atomic step. */
export const removalBatchMax = 500;

export interface RemovalOptions {
  readonly environment: DriverEnvironment;
  /** Or why the branches are not known: this process does not know the definition, or it fails on the input. */
  readonly branchesOf: (record: TransactionRecord) => readonly BranchSpec[] | string;
}

export class Removal {
  readonly #options: RemovalOptions;
  /** Monotonic time until which a silent service is not asked again, because it would delay the others. */
  readonly #silentUntil = new Map<string, number>();

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /** Handles all outcomes that are due; stops in a backlog when it is time to look for dead owners again. */
  async run(leads: () => Promise<boolean>): Promise<void> {
    const { log, clock, limits } = this.#options.environment;
    const until = clock.monotonic() + limits.leaseRenewMs;
    while (await leads()) {
      const { removable, more } = await log.sweep(removalBatchMax);
      if (removable.length > 0) await this.#settle(removable);
      if (!more || clock.monotonic() >= until) return;
    }
  }

  async #settle(removable: readonly Removable[]): Promise<void> {
    const { log } = this.#options.environment;
    const reasons = await Promise.all(removable.map(({ record }) => this.#reasonToKeep(record)));
    const places = removable.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }));
    const gone = places.filter((_, index) => reasons[index] === undefined);
    if (gone.length > 0) await log.remove(gone);
    const kept = removable.flatMap(({ dueAt, record }, index) =>
      reasons[index] === undefined ? [] : [{ dueAt, txId: record.txId, untilMs: this.#lookAgainAt(record) }],
    );
    if (kept.length > 0) await log.postpone(kept);
    this.#observeKept(reasons.filter((reason) => reason !== undefined));
  }

  #observeKept(reasons: readonly string[]): void {
    for (const reason of new Set(reasons)) {
      const transactions = reasons.filter((each) => each === reason).length;
      this.#options.environment.observer.observe({ type: "RemovalPostponed", reason, transactions });
    }
  }

  /** An outcome is tried less often the longer it stays, so that the cost of an outage stays in proportion. */
  #lookAgainAt(record: TransactionRecord): number {
    const { clock, limits } = this.#options.environment;
    const overdueMs = clock.now() - outcomeKeptUntil(record, limits);
    return clock.now() + Math.min(limits.maxAgeMs, Math.max(limits.parkedRetryMs, overdueMs));
  }

  async #reasonToKeep(record: TransactionRecord): Promise<string | undefined> {
    const branches = this.#options.branchesOf(record);
    if (typeof branches === "string") return branches;
    const reasons = await Promise.all(branches.map((spec) => this.#forget(record, spec)));
    return reasons.find((reason) => reason !== undefined);
  }

  /** Undefined when the branch has acknowledged. */
  async #forget(record: TransactionRecord, spec: BranchSpec): Promise<string | undefined> {
    const { clock, limits, transport, observer } = this.#options.environment;
    const silence = `no_answer_from_${spec.service}`;
    if (clock.monotonic() < (this.#silentUntil.get(spec.service) ?? -Infinity)) return silence;
    const command = commandOf(record, { spec, verb: "forget", origin: () => "" });
    let answer = await transport.send(spec, command, limits.replyWaitMs);
    // The log lost an owner that the branch has seen. An end is an end for every owner.
    if (answer?.kind === "fenced" && !isTooFarAhead(answer, clock.now())) {
      answer = await transport.send(spec, { ...command, epoch: answer.epoch }, limits.replyWaitMs);
    }
    if (answer?.kind === "forgotten") return undefined;
    if (answer === undefined) this.#silentUntil.set(spec.service, clock.monotonic() + limits.parkedRetryMs);
    if (answer === undefined || answer.kind === "unknown") return silence;
    const code = answer.kind === "conflict" ? "conflict" : "unexpected_answer";
    const detail = JSON.stringify(answer);
    observer.observe({ type: "AlarmRaised", txId: record.txId, code, branchId: spec.branchId, detail });
    return code;
  }
}

// One transaction by its key: to wait for it and to look at it.
import type { Plannable } from "../coordinator/definition.ts";
import type { Orchestrator } from "../coordinator/orchestrator.ts";
import type { TransactionStatus } from "../coordinator/transaction-status.ts";
import type { OperatorNote, HistoryEntry } from "../protocol/index.ts";
import { type RunResult, typedResult } from "./run-result.ts";
import type { Steps } from "./transaction.ts";

export interface TransactionHandle<S extends Steps> {
  readonly key: string;
  /**
   * The outcome of the latest attempt; `pending` when it does not come within `waitMs` (left out, at once), and `none`
   * when nothing has begun. Rejects when the log does not answer.
   */
  result(options?: { readonly waitMs?: number }): Promise<RunResult<S> | { readonly kind: "none" }>;
  /** What is known of the latest attempt. Rejects when the log does not answer; the state is then unknown. */
  status(): Promise<TransactionStatus>;
  /** What was written of the latest attempt, when and by which process, oldest first. */
  history(): Promise<readonly HistoryEntry[]>;
  /**
   * Aborts the attempt under way, with who and why in its history, if nothing is decided yet and this process has
   * driven it without a break. The outcome says whether that was so: `aborted` with the reason `cancelled`; what was
   * decided before; or `pending`: it goes on.
   * @throws {InvalidInput} for a `by` or a `why` that is empty or too long; then nothing has changed
   */
  cancel(operator: OperatorNote): Promise<RunResult<S> | { readonly kind: "none" }>;
}

/** An abort is reported once a branch has acknowledged it (C5). */
const cancelWaitMs = 5_000;

export class StartedTransaction<S extends Steps> implements TransactionHandle<S> {
  readonly key: string;
  readonly #orchestrator: Orchestrator;
  readonly #plannable: Plannable<unknown>;

  constructor(orchestrator: Orchestrator, { plannable, key }: { plannable: Plannable<unknown>; key: string }) {
    this.#orchestrator = orchestrator;
    this.#plannable = plannable;
    this.key = key;
  }

  async result({ waitMs = 0 }: { readonly waitMs?: number } = {}): Promise<RunResult<S> | { readonly kind: "none" }> {
    const result = await this.#orchestrator.result(this.#plannable, this.key, waitMs);
    return result.kind === "none" ? result : typedResult(result);
  }

  status(): Promise<TransactionStatus> {
    return this.#orchestrator.status(this.#plannable, this.key);
  }

  async cancel(operator: OperatorNote): Promise<RunResult<S> | { readonly kind: "none" }> {
    const status = await this.status();
    const isCancelled = "txId" in status && this.#orchestrator.operator.cancel(status.txId, operator);
    return this.result({ waitMs: isCancelled ? cancelWaitMs : 0 });
  }

  async history(): Promise<readonly HistoryEntry[]> {
    const status = await this.status();
    return "txId" in status ? this.#orchestrator.history(status.txId) : [];
  }
}

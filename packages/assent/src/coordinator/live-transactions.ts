// The transactions that this process drives, and how an outcome is awaited, here or from another process.
import type { Outcome } from "../protocol/index.ts";
import type { TransactionLog } from "../ports/transaction-log.ts";
import type { Clock } from "../ports/clock.ts";
import { outputsOf } from "./outputs.ts";
import type { TransactionDriver } from "./transaction-driver.ts";
import { waitFor } from "./wait-for.ts";

/** How often an outcome that another process decides is looked up. */
const outcomePollMs = 50;

export class LiveTransactions {
  readonly #clock: Clock;
  readonly #log: TransactionLog;
  readonly #drivers = new Map<string, TransactionDriver>();
  /** Drivers of transactions that have ended and still send `forget` to their branches (P7). */
  readonly #forgetting = new Set<TransactionDriver>();
  #stopped = false;

  constructor({ clock, log }: { clock: Clock; log: TransactionLog }) {
    this.#clock = clock;
    this.#log = log;
  }

  get size(): number {
    return this.#drivers.size;
  }

  get(txId: string): TransactionDriver | undefined {
    return this.#drivers.get(txId);
  }

  adopt(driver: TransactionDriver): void {
    this.#drivers.set(driver.record.txId, driver);
  }

  /** The transaction has ended for its driver, which may still have to send `forget`. */
  closed(driver: TransactionDriver): void {
    const { txId } = driver.record;
    if (this.#drivers.get(txId) === driver) this.#drivers.delete(txId);
    this.#forgetting.add(driver);
    void driver.left.then(() => this.#forgetting.delete(driver));
  }

  /** Waits until those of now have closed, at most `waitMs`. Nobody waits for another process any more. */
  async finish(waitMs: number): Promise<void> {
    this.#stopped = true;
    await waitFor(this.#clock, Promise.all([...this.#drivers.values()].map((driver) => driver.closed)), waitMs);
  }

  abandon(): void {
    for (const driver of [...this.#drivers.values(), ...this.#forgetting]) driver.abandon();
  }

  /** The outcome that the driver here would report now; undefined without one, or too early (C5). */
  async outcomeHere(txId: string): Promise<Outcome | undefined> {
    const driver = this.#drivers.get(txId);
    return driver && waitFor(this.#clock, driver.outcome, 0);
  }

  /** The outcome of any attempt: reported by its driver here, or read from the log (C3). Undefined after the time. */
  async outcomeOf(txId: string, giveUpAt: number): Promise<Outcome | undefined> {
    for (;;) {
      const remainingMs = giveUpAt - this.#clock.monotonic();
      if (remainingMs <= 0 || this.#stopped) return undefined;
      const driver = this.#drivers.get(txId);
      if (driver !== undefined) {
        const outcome = await waitFor(this.#clock, driver.outcome, Math.min(remainingMs, outcomePollMs * 10));
        if (outcome !== undefined) return outcome;
      }
      const logged = await this.#outcomeLogged(txId);
      if (logged !== undefined) return logged;
      if (driver === undefined) await waitFor(this.#clock, new Promise<never>(() => undefined), outcomePollMs);
    }
  }

  /** Waits until an earlier attempt has released everything, or a little; `begin` decides whether that is enough. */
  async release(txId: string): Promise<void> {
    const closed = this.#drivers.get(txId)?.closed ?? new Promise<never>(() => undefined);
    await waitFor(this.#clock, closed, outcomePollMs);
  }

  async #outcomeLogged(txId: string): Promise<Outcome | undefined> {
    const record = await this.#log.read(txId);
    if (record?.state === "committing" || record?.state === "committed") {
      const outputs = outputsOf(await this.#log.peek(record.key));
      return outputs === undefined ? { kind: "committed" } : { kind: "committed", outputs };
    }
    if (record?.state !== "aborted") return undefined;
    const { reason = "aborted", step } = record;
    return { kind: "aborted", reason, ...(step !== undefined && { step }) };
  }
}

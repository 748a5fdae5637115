// What an operator can do to transactions by hand.
import { faultOfName, type OperatorNote, type TransactionRecord } from "../protocol/index.ts";
import type { TransactionLog } from "../ports/transaction-log.ts";
import type { LiveTransactions } from "./live-transactions.ts";
import type { Recovery } from "./recovery.ts";
import { InvalidInput } from "./standard-schema.ts";
import { eachUnfinished } from "./unfinished.ts";

/** Length of the reason that an operator gives. */
export const whyLengthMax = 1_000;

export class Operator {
  readonly #log: TransactionLog;
  readonly #live: LiveTransactions;
  readonly #recovery: Recovery;

  constructor({ log, live, recovery }: { log: TransactionLog; live: LiveTransactions; recovery: Recovery }) {
    this.#log = log;
    this.#live = live;
    this.#recovery = recovery;
  }

  /**
   * Aborts an attempt that is not decided yet. False: it is not driven here, is decided, or was interrupted, so that
   * only its branches can say how it ends (C6). Then nothing has changed.
   * @throws {InvalidInput} for a name or a reason that the history cannot keep
   */
  cancel(txId: string, operator: OperatorNote): boolean {
    checkOperator(operator);
    return this.#live.get(txId)?.cancel(operator) ?? false;
  }

  /** Tries an unfinished attempt again at once. False: another process drives it, or nothing can be tried here. */
  async retry(txId: string): Promise<boolean> {
    const driver = this.#live.get(txId);
    if (driver === undefined) await this.#recovery.sweep();
    else driver.retryNow();
    return this.#live.get(txId) !== undefined;
  }

  unfinished(): AsyncGenerator<TransactionRecord> {
    return eachUnfinished(this.#log);
  }
}

function checkOperator({ by, why }: OperatorNote): void {
  const [name, reason] = [faultOfName(by), faultOfName(why, whyLengthMax)];
  if (name !== undefined) throw new InvalidInput(`the name in \`by\` ${name}`);
  if (reason !== undefined) throw new InvalidInput(`the reason in \`why\` ${reason}`);
}

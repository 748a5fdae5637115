// Fairness under contention (P10): who asked first for an amount that others hold is served first when it comes free.
//
// The line is a hint in memory, like a lease: losing it costs fairness, never safety. Without it two transactions over
// two hot accounts can each end up holding what the other waits for; with it, and with requests that arrive at all
// participants in the same order, a branch only waits for older branches.

/**
 * A branch that has not asked again for this long is gone, as is one from the future after a clock was set back.
 * Longer than the longest pause between two tries.
 */
export const waitingForgottenMs = 500;
/** How often all lines are looked through for those who have gone. */
const lookThroughEveryMs = 10 * waitingForgottenMs;

interface Waiting {
  readonly amount: number;
  readonly seenAt: number;
}

export class WaitingLine {
  /** By account, then by who waits, in order of arrival. */
  readonly #lines = new Map<string, Map<string, Waiting>>();
  #lookedThroughAt = -Infinity;

  /** Accounts that branches wait for, or have waited for lately. */
  get accounts(): number {
    return this.#lines.size;
  }

  /** What those ahead of `who` are waiting for on this account. */
  ahead(accountId: string, who: string, now: number): number {
    const line = this.#lines.get(accountId);
    if (line === undefined) return 0;
    let sum = 0;
    for (const [name, { amount, seenAt }] of line) {
      // The asking branch is gone, too, if it has not asked for long: it comes back behind all others.
      if (hasGone(seenAt, now)) line.delete(name);
      else if (name === who) break;
      else sum += amount;
    }
    return sum;
  }

  /** Joins the line, or stays at one's place in it. */
  join(accountId: string, who: string, waiting: Waiting): void {
    this.#lookThrough(waiting.seenAt);
    let line = this.#lines.get(accountId);
    if (line === undefined) {
      line = new Map();
      this.#lines.set(accountId, line);
    }
    line.set(who, waiting);
  }

  leave(accountId: string, who: string): void {
    const line = this.#lines.get(accountId);
    if (line === undefined) return;
    line.delete(who);
    if (line.size === 0) this.#lines.delete(accountId);
  }

  /** Who gives up does not say so, and may be the last who asks for an account: its line would be kept for ever. */
  #lookThrough(now: number): void {
    if (Math.abs(now - this.#lookedThroughAt) <= lookThroughEveryMs) return;
    this.#lookedThroughAt = now;
    for (const [accountId, line] of this.#lines) {
      for (const [name, { seenAt }] of line) if (hasGone(seenAt, now)) line.delete(name);
      if (line.size === 0) this.#lines.delete(accountId);
    }
  }
}

const hasGone = (seenAt: number, now: number): boolean => Math.abs(now - seenAt) > waitingForgottenMs;

// The branches that wait for an amount held by others, in order (P10): the first to ask is served first, and a branch
// that has not asked again for a while is removed.
import { waitingForgottenMs } from "assent/ledger";

interface Waiting {
  readonly who: string;
  amount: number;
  seenAt: number;
}

export class ModelLine {
  readonly #lines = new Map<string, Waiting[]>();

  /** The amount waited for by branches ahead of one that asks now. */
  ahead(accountId: string, who: string, now: number): number {
    const present = this.#of(accountId).filter(({ seenAt }) => now - seenAt <= waitingForgottenMs);
    this.#lines.set(accountId, present);
    const place = present.findIndex((waiting) => waiting.who === who);
    const before = place === -1 ? present : present.slice(0, place);
    return before.reduce((sum, { amount }) => sum + amount, 0);
  }

  join(accountId: string, { who, amount, seenAt }: Waiting): void {
    const line = this.#of(accountId);
    const place = line.findIndex((waiting) => waiting.who === who);
    this.#lines.set(
      accountId,
      place === -1 ? [...line, { who, amount, seenAt }] : line.with(place, { who, amount, seenAt }),
    );
  }

  leave(accountId: string, who: string): void {
    this.#lines.set(
      accountId,
      this.#of(accountId).filter((waiting) => waiting.who !== who),
    );
  }

  #of(accountId: string): Waiting[] {
    return this.#lines.get(accountId) ?? [];
  }
}

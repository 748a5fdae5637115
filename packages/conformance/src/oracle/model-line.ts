// Who waits for an amount that others hold, in order (P10): whoever asked first is served first, and whoever has not
// asked again for a while has gone.
import { waitingForgottenMs } from "assent/ledger";

interface Waiting {
  readonly who: string;
  amount: number;
  seenAt: number;
}

export class ModelLine {
  readonly #lines = new Map<string, Waiting[]>();

  /** What is wanted by those ahead of somebody who asks now. */
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

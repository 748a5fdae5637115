// Virtual time must not pass while a real database is at work: it would count as slow.
import { settle } from "./virtual-clock.ts";

export class StillTime {
  #atWork = 0;

  /** Resolves when nothing more runs now, and no database is at work. */
  readonly settled = async (): Promise<void> => {
    do await settle();
    while (this.#atWork > 0);
  };

  async during<T>(work: Promise<T>): Promise<T> {
    this.#atWork += 1;
    try {
      return await work;
    } finally {
      this.#atWork -= 1;
    }
  }
}

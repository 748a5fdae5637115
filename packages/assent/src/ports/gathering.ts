// Gathers items into batches. All items added in one turn of the event loop leave together, along with earlier items
// that no caller waits for. Such an item on its own is held for a moment, because a message, a commit and the thread or
// process that wakes for them cost the same for one item as for many.
import type { Clock, Timer } from "./clock.ts";

export interface GatheringOptions<Item> {
  /** Receives each batch, oldest item first; never an empty one. */
  readonly send: (items: readonly Item[]) => void;
  /** Runs the callback after everything that is added in this turn of the event loop, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  readonly clock: Clock;
  /** How long an item that no caller waits for may be held; 0: it leaves with its own turn. */
  readonly companyWaitMs: number;
}

export class Gathering<Item> {
  readonly #options: GatheringOptions<Item>;
  #items: Item[] = [];
  #isLeaving = false;
  #isDraining = false;
  #timer: Timer | undefined;

  constructor(options: GatheringOptions<Item>) {
    this.#options = options;
  }

  add(item: Item, { mayWait }: { readonly mayWait: boolean }): void {
    const { clock, companyWaitMs, schedule } = this.#options;
    this.#items.push(item);
    if (this.#isLeaving) return;
    if (mayWait && companyWaitMs > 0 && !this.#isDraining) {
      this.#timer ??= clock.after(companyWaitMs, () => this.#flush());
      return;
    }
    this.#isLeaving = true;
    schedule(() => this.#flush());
  }

  /** Sends everything at once; from now on nothing waits. */
  drain(): void {
    this.#isDraining = true;
    this.#flush();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isLeaving = false;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#options.send(items);
  }
}

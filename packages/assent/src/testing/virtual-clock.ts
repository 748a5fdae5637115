// Time that passes only on request. Callbacks due at the same time run in the order of their registration.
import type { Clock, Timer } from "../ports/index.ts";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z: far from zero, like the clocks of real machines. */
const epoch = 1_767_225_600_000;

export class VirtualClock implements Clock {
  #elapsed = 0;
  #order = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Due[] = [];
  readonly #cancelled = new Set<number>();
  readonly #settled: () => Promise<void>;

  /** @param settled resolves when time may pass; left out, when nothing more runs now */
  constructor(settled: () => Promise<void> = settle) {
    this.#settled = settled;
  }

  now(): number {
    return epoch + Math.floor(this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, callback: () => void): Timer {
    const order = this.#order;
    this.#order += 1;
    this.#push({ at: this.#elapsed + Math.max(0, delayMs), order, callback });
    return { cancel: () => this.#cancelled.add(order) };
  }

  /** Advances the time, running everything that falls due. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsed + ms;
    await this.#settled();
    while ((this.#heap[0]?.at ?? Infinity) <= target) await this.#step();
    this.#elapsed = target;
  }

  /** Advances the time until the promise settles. Fails if it has not after `maxMs`. */
  async until<T>(promise: Promise<T>, maxMs: number = 120_000): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => undefined);
    const target = this.#elapsed + maxMs;
    for (await this.#settled(); !settled;) {
      if ((this.#heap[0]?.at ?? Infinity) > target) throw new Error(`nothing came within ${maxMs} ms`);
      await this.#step();
    }
    return watched;
  }

  async #step(): Promise<void> {
    const due = this.#pop();
    if (due === undefined || this.#cancelled.delete(due.order)) return;
    this.#elapsed = Math.max(this.#elapsed, due.at);
    due.callback();
    await this.#settled();
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) return first;
      const right = left + 1;
      const child = right < heap.length && isEarlier(heap[right], heap[left]) ? right : left;
      if (!this.#swapIfEarlier(child, index)) return first;
      index = child;
    }
  }

  #swapIfEarlier(lower: number, upper: number): boolean {
    const heap = this.#heap;
    const [below, above] = [heap[lower], heap[upper]];
    if (below === undefined || above === undefined || !isEarlier(below, above)) return false;
    heap[lower] = above;
    heap[upper] = below;
    return true;
  }
}

function isEarlier(a: Due | undefined, b: Due | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * Resolves when every promise that can settle without time passing has done so. A turn of the event loop is not a
 * passing of virtual time: it is the only way to know that nothing more will run now.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    // oxlint-disable-next-line no-restricted-globals -- see above
    setImmediate(resolve);
  });
}

// The events of a run, in order, for reading and comparison: two runs of one seed have the same trace, byte for byte.
// Kept as a running hash, and as text only if it is needed.
import { fingerprint } from "assent/internal/protocol";

export class Trace {
  #hash = 0;
  #entries = 0;
  #faults = 0;
  readonly #lines: string[] | undefined;
  readonly #now: () => number;

  constructor(options: { now: () => number; keep: boolean }) {
    this.#now = options.now;
    this.#lines = options.keep ? [] : undefined;
  }

  /** Faults that were injected. */
  get faults(): number {
    return this.#faults;
  }

  /** Hash of everything so far. */
  get hash(): string {
    return `${this.#entries}:${this.#hash.toString(36)}`;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  add(text: string): void {
    const line = `${this.#now().toFixed(1).padStart(9)} ${text}`;
    this.#entries += 1;
    this.#hash = fingerprint(`${this.#hash}${line}`);
    this.#lines?.push(line);
  }

  fault(text: string): void {
    this.#faults += 1;
    this.add(`! ${text}`);
  }

  /** The lines that concern one transaction, or all of them. */
  timelineOf(txId: string): readonly string[] {
    return this.lines.filter((line) => line.includes(txId) || line.includes(" ! "));
  }
}

// Admission: so many at once, so many waiting, and a plain no to the rest. A queue without a bound is a slow crash.

export interface AdmissionLimits {
  readonly inFlightMax: number;
  readonly queueMax: number;
}

export const defaultAdmissionLimits: AdmissionLimits = { inFlightMax: 500, queueMax: 2_000 };

export type Entry =
  | { readonly kind: "admitted" }
  | { readonly kind: "queued"; readonly admitted: Promise<void> }
  /** The queue is full. */
  | { readonly kind: "refused" };

export class Admission {
  readonly #limits: AdmissionLimits;
  /** In order of arrival. A set, because it gives back the room of those who have left it. */
  readonly #queue = new Set<() => void>();
  #inFlight = 0;

  constructor(limits: AdmissionLimits = defaultAdmissionLimits) {
    this.#limits = limits;
  }

  /** Leave once for each entry that was admitted, at once or later. */
  enter(): Entry {
    if (this.#inFlight < this.#limits.inFlightMax) {
      this.#inFlight += 1;
      return { kind: "admitted" };
    }
    if (this.queued >= this.#limits.queueMax) return { kind: "refused" };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.add(resolve);
    return { kind: "queued", admitted: promise };
  }

  /** Hands the place to the longest waiting caller. */
  leave(): void {
    for (const waiting of this.#queue) {
      this.#queue.delete(waiting);
      return waiting();
    }
    this.#inFlight -= 1;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }
}

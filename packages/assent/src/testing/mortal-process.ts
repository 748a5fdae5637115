// A process that can die at any point: what it asked for before may still happen, what it would have done after never
// does. Every call to a port is two points: before it is performed, and before its answer is seen.
import type { Clock, TransactionLog, Transport } from "../ports/index.ts";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class MortalProcess {
  #alive = true;
  #points = 0;
  #dieAt = Infinity;
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) =>
        clock.after(delayMs, () => {
          if (this.#alive) callback();
        }),
    };
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** Points reached so far. */
  get points(): number {
    return this.#points;
  }

  die(): void {
    this.#alive = false;
  }

  dieAtPoint(point: number): void {
    this.#dieAt = point;
  }

  transport(transport: Transport): Transport {
    return {
      get outage() {
        return transport.outage;
      },
      send: (...sent) => this.#call(() => transport.send(...sent)),
    };
  }

  log(log: TransactionLog): TransactionLog {
    return {
      begin: (request) => this.#call(() => log.begin(request)),
      decide: (request) => this.#call(() => log.decide(request)),
      end: (request) => this.#call(() => log.end(request)),
      takeOver: (request) => this.#call(() => log.takeOver(request)),
      park: (request) => this.#call(() => log.park(request)),
      read: (txId) => this.#call(() => log.read(txId)),
      peek: (key) => this.#call(() => log.peek(key)),
      owners: (after, limit) => this.#call(() => log.owners(after, limit)),
      unfinished: (owner, range) => this.#call(() => log.unfinished(owner, range)),
      history: (txId) => this.#call(() => log.history(txId)),
      rebuild: (record) => this.#call(() => log.rebuild(record)),
      sweep: (limit) => this.#call(() => log.sweep(limit)),
      remove: (places) => this.#call(() => log.remove(places)),
      postpone: (places) => this.#call(() => log.postpone(places)),
    };
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#reach()) return never();
    const result = work();
    return new Promise((resolve, reject) => {
      result.then(
        (value) => {
          if (this.#reach()) resolve(value);
        },
        (error: unknown) => {
          if (this.#reach()) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #reach(): boolean {
    if (this.#points >= this.#dieAt) this.#alive = false;
    if (this.#alive) this.#points += 1;
    return this.#alive;
  }
}

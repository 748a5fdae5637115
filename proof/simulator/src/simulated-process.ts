// A process that can die, stall, and read a wrong clock. Requests made before its death may still be executed; actions
// after it never happen. Every call to a port is two points at which it may die: before its execution, and before its
// answer is seen.
import type { Clock } from "assent/internal/ports";
import type { VirtualClock } from "assent/testing";

export type ProcessState = "running" | "paused" | "dead";

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #time: VirtualClock;
  #state: ProcessState = "running";
  #backlog: (() => void)[] = [];
  #pointsLeft = Infinity;

  constructor(options: { name: string; time: VirtualClock; skewMs?: number }) {
    const { name, time, skewMs = 0 } = options;
    this.name = name;
    this.#time = time;
    this.clock = {
      now: () => time.now() + skewMs,
      monotonic: () => time.monotonic(),
      after: (delayMs, callback) => time.after(delayMs, () => this.run(callback)),
    };
  }

  get state(): ProcessState {
    return this.#state;
  }

  die(): void {
    this.#state = "dead";
    this.#backlog = [];
  }

  /** Dies at the n-th crash point from now. */
  dieAfterPoints(points: number): void {
    this.#pointsLeft = points;
  }

  /** Nothing runs until `resume`: like a stopped virtual machine, or an endless garbage collection. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const callback of backlog) this.#time.after(0, () => this.run(callback));
  }

  /** Runs a callback of this process: now, when it wakes, or never. */
  run(callback: () => void): void {
    if (this.#state === "running") callback();
    else if (this.#state === "paused") this.#backlog.push(callback);
  }

  /** A call to a port, with its two crash points. */
  call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state === "dead" || this.#reachPoint()) return never();
    const result = work();
    return new Promise((resolve, reject) => {
      const answer = (deliver: () => void): void =>
        this.run(() => {
          if (!this.#reachPoint()) deliver();
        });
      result.then(
        (value) => answer(() => resolve(value)),
        (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }

  /** Whether it dies here. */
  #reachPoint(): boolean {
    this.#pointsLeft -= 1;
    if (this.#pointsLeft > 0) return false;
    this.die();
    return true;
  }
}

// An estimate of the server's time: the time in its replies, extrapolated by a monotonic clock.
import type { Clock } from "assent/internal/ports";
import { storeTimeErrorMaxMs } from "./redis-limits.ts";

export class StoreTime {
  readonly #clock: Pick<Clock, "monotonic">;
  #offset: number | undefined;
  /** Lower bound of the offset, from the last reply: another server may have another offset. */
  #offsetLeast = -Infinity;
  #delayMs = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Now, on the clock used by the methods below. */
  monotonic(): number {
    return this.#clock.monotonic();
  }

  /**
   * The server's time was `serverMs` at some moment between `sentAt` and now. The estimate moves only as far as that
   * proves it wrong, so a slow reply does no harm.
   */
  observe(serverMs: number, sentAt: number): void {
    const least = serverMs - this.#clock.monotonic();
    const most = serverMs - sentAt;
    this.#offset = this.#offset === undefined ? (least + most) / 2 : Math.min(Math.max(this.#offset, least), most);
    this.#offsetLeast = least;
  }

  /**
   * A round created at `madeAt` was executed at the server's `serverMs`. If that takes so long that rounds arrive too
   * late, the next ones get a later time: a slow server must not refuse them for ever.
   */
  arrived(serverMs: number, madeAt: number): void {
    const delayMs = serverMs - (this.#offset ?? 0) - madeAt;
    this.#delayMs = delayMs > storeTimeErrorMaxMs / 2 ? delayMs : 0;
  }

  /** Epoch milliseconds, whole. */
  now(): number {
    return Math.floor(this.#clock.monotonic() + (this.#offset ?? 0));
  }

  /** The server's time is this or later. */
  atLeast(): number {
    return Math.floor(this.#clock.monotonic() + this.#offsetLeast);
  }

  /** The time of `now` when a round created now is executed. */
  atArrival(): number {
    return Math.floor(this.now() + this.#delayMs);
  }
}

// The server's time, as far as this process knows it: what the server told, carried on by a clock that only grows.
import type { Clock } from "assent/internal/ports";
import { storeTimeErrorMaxMs } from "./redis-limits.ts";

export class StoreTime {
  readonly #clock: Pick<Clock, "monotonic">;
  #offset: number | undefined;
  /** What the offset is at least, as the last answer told: it may be that of another server. */
  #offsetLeast = -Infinity;
  #delayMs = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Now by the clock that the methods below are told of. */
  monotonic(): number {
    return this.#clock.monotonic();
  }

  /**
   * The server's time was `serverMs` at some moment between `sentAt` and now. The estimate moves no further than that
   * proves it wrong, so a slow answer spoils nothing.
   */
  observe(serverMs: number, sentAt: number): void {
    const least = serverMs - this.#clock.monotonic();
    const most = serverMs - sentAt;
    this.#offset = this.#offset === undefined ? (least + most) / 2 : Math.min(Math.max(this.#offset, least), most);
    this.#offsetLeast = least;
  }

  /**
   * A round that was made at `madeAt` was carried out when the server's time was `serverMs`. Where that takes so long
   * that rounds come too late, the next ones are made for a later time: a slow server must not refuse them for ever.
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

  /** What `now` will be where a round that is made now is carried out. */
  atArrival(): number {
    return Math.floor(this.now() + this.#delayMs);
  }
}

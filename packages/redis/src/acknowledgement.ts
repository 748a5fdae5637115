// D2: whether a round that a server has carried out is in every future of its database. It is when all replicas that
// may be promoted have it. When one is missing it may be dead, or it may be the next master already, promoted behind
// the back of this one, which then still has the others and acknowledges what they will throw away. Only those who
// promote know the difference, and they are asked after the replicas have answered (docs/adr/0012).
import type { Clock } from "assent/internal/ports";
import { allReplicasWaitMs, askAgainMs, missingReplicaMs, replicaWaitMs, unsettledMaxMs } from "./redis-limits.ts";
import type { Mastership, RedisCommand, RedisPort, RedisReply } from "./redis-port.ts";

export interface ReplicaCounts {
  /** All that may be promoted; 0: nobody is waited for. */
  readonly all: number;
  /** So many are enough where nobody is being promoted; `all` where that cannot be asked. */
  readonly least: number;
}

export class Acknowledgement {
  readonly #counts: ReplicaCounts;
  readonly #clock: Clock;
  /** Until then it is not expected that all of them answer. */
  #missingUntil = -Infinity;

  constructor(counts: ReplicaCounts, clock: Clock) {
    this.#counts = counts;
    this.#clock = clock;
  }

  get isWanted(): boolean {
    return this.#counts.all > 0;
  }

  /** What is sent right after the round, over the same connection. */
  get command(): RedisCommand | undefined {
    const { all, least } = this.#counts;
    if (all === 0) return undefined;
    if (this.#clock.monotonic() < this.#missingUntil) return wait(least, replicaWaitMs);
    return wait(all, least < all ? allReplicasWaitMs : replicaWaitMs);
  }

  /** Whether the answer to `command` is enough, or what is asked then. Never rejects: not known is not enough. */
  async isEnough(port: RedisPort, answer: RedisReply): Promise<boolean> {
    const { all, least } = this.#counts;
    if (all === 0) return true;
    if (typeof answer !== "number") return false;
    if (answer >= all) {
      this.#missingUntil = -Infinity;
      return true;
    }
    const { mastership } = port;
    if (least >= all || mastership === undefined) return false;
    // From then on all are waited for again, to find out whether it is back.
    const now = this.#clock.monotonic();
    if (now >= this.#missingUntil) this.#missingUntil = now + missingReplicaMs;
    try {
      const [reached] = answer >= least ? [answer] : await port.send([wait(least, replicaWaitMs)]);
      return typeof reached === "number" && reached >= least && (await this.#isSettled(mastership));
    } catch {
      // The connection has ended, or no sentinel answers: whoever comes next hears of it.
      return false;
    }
  }

  /** A promotion that is not quite over is waited for, as the replicas were. */
  async #isSettled(mastership: () => Promise<Mastership>): Promise<boolean> {
    const giveUpAt = this.#clock.monotonic() + unsettledMaxMs;
    for (;;) {
      const answer = await mastership();
      if (answer !== "unsettled" || this.#clock.monotonic() >= giveUpAt) return answer === "settled";
      await new Promise<void>((resolve) => void this.#clock.after(askAgainMs, resolve));
    }
  }
}

function wait(replicas: number, waitMs: number): RedisCommand {
  return ["WAIT", String(replicas), String(waitMs)];
}

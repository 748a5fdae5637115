// D2: whether an executed round survives in every possible master of its database. It does when all replicas that may
// be promoted have it. A missing one may be dead, or it may already be the next master, promoted without the knowledge
// of this one, which still has the other replicas and acknowledges writes that they will discard. Only the sentinels
// know the difference, and they are asked after the replicas have answered (docs/adr/0012).
import type { Clock } from "assent/internal/ports";
import { allReplicasWaitMs, askAgainMs, missingReplicaMs, replicaWaitMs, unsettledMaxMs } from "./redis-limits.ts";
import type { Mastership, RedisCommand, RedisPort, RedisReply } from "./redis-port.ts";

export interface ReplicaCounts {
  /** Number of replicas that may be promoted; 0: no waiting. */
  readonly all: number;
  /** This many are enough if no promotion is in progress; `all` if that cannot be checked. */
  readonly least: number;
}

export class Acknowledgement {
  readonly #counts: ReplicaCounts;
  readonly #clock: Clock;
  /** Until then not all of them are expected to answer. */
  #missingUntil = -Infinity;

  constructor(counts: ReplicaCounts, clock: Clock) {
    this.#counts = counts;
    this.#clock = clock;
  }

  get isWanted(): boolean {
    return this.#counts.all > 0;
  }

  /** Sent right after the round, over the same connection. */
  get command(): RedisCommand | undefined {
    const { all, least } = this.#counts;
    if (all === 0) return undefined;
    if (this.#clock.monotonic() < this.#missingUntil) return wait(least, replicaWaitMs);
    return wait(all, least < all ? allReplicasWaitMs : replicaWaitMs);
  }

  /**
   * Whether the reply to `command`, or a check with the sentinels, suffices. Never rejects: unknown does not suffice.
   */
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
    // From then on all are awaited again, to find out whether it is back.
    const now = this.#clock.monotonic();
    if (now >= this.#missingUntil) this.#missingUntil = now + missingReplicaMs;
    try {
      const [reached] = answer >= least ? [answer] : await port.send([wait(least, replicaWaitMs)]);
      return typeof reached === "number" && reached >= least && (await this.#isSettled(mastership));
    } catch {
      // The connection has ended, or no sentinel answers: the next use of the connection reports it.
      return false;
    }
  }

  /** A promotion about to finish is awaited, like the replicas. */
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

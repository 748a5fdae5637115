// What is to go wrong in a run, and when: data, so that it can be printed, repeated and made smaller.

/** Kinds of faults. `target` names a process slot, a store, or a link "from>to". */
export type FaultKind =
  /** The process dies at once, and starts again after a while. */
  | "crash"
  /** The process dies at its n-th crash point from now (`strength`), and starts again after a while. */
  | "crash_at_point"
  /** The process stalls, and wakes as if nothing had happened. */
  | "pause"
  | "cut_one_way"
  | "cut_both_ways"
  /** Messages are lost, doubled and late; `strength` from 0 to 1. */
  | "bad_weather"
  /** No message arrives. */
  | "bus_down"
  /** Messages are doubled, and late by more than every lifetime (`strength`: the chance of each). */
  | "very_late"
  /** The message that carries a `forget`, or the acknowledgement of it, is lost (`strength`: the chance). */
  | "lose_forgets"
  /** Calls to the store fail before anything is done, or are done and their reply is lost, or are slow. */
  | "store_failures"
  | "store_lost_replies"
  | "store_slow"
  | "store_full"
  /** The log goes back by so many commits (`strength`), or, at 0, to before some transaction began. */
  | "lose_log_tail"
  /** A store of branches goes back by up to so many commits (`strength`), none of which is more than votes. */
  | "lose_votes"
  /** Every lease is gone. */
  | "lose_leases";

export interface Fault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly atMs: number;
  /** How long it lasts, or how long until the process starts again. */
  readonly forMs: number;
  readonly strength: number;
}

export function faultText({ kind, target, atMs, forMs, strength }: Fault): string {
  return `${atMs.toFixed(0)} ms: ${kind} ${target} for ${forMs.toFixed(0)} ms, strength ${strength.toFixed(2)}`;
}

/**
 * The smallest part of a plan that still fails, by leaving out ever smaller chunks (Zeller and Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002). Stops after `runsMax` runs with what it has.
 */
export async function minimised(
  plan: readonly Fault[],
  fails: (plan: readonly Fault[]) => Promise<boolean>,
  runsMax: number,
): Promise<readonly Fault[]> {
  let smallest = plan;
  let runs = 0;
  for (let chunk = Math.ceil(plan.length / 2); chunk >= 1;) {
    let isSmaller = false;
    for (let from = 0; from < smallest.length && runs < runsMax; from += chunk) {
      const without = [...smallest.slice(0, from), ...smallest.slice(from + chunk)];
      runs += 1;
      if (!(await fails(without))) continue;
      smallest = without;
      isSmaller = true;
      from -= chunk;
    }
    if (runs >= runsMax) break;
    if (!isSmaller) chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2);
    else chunk = Math.min(chunk, Math.max(1, smallest.length));
  }
  return smallest;
}

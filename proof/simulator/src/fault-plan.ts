// The faults of a run and their times: data, so that it can be printed, repeated and minimized.

/** Kinds of faults. `target` names a process slot, a store, or a link "from>to". */
export type FaultKind =
  /** The process dies at once, and restarts after a while. */
  | "crash"
  /** The process dies at its n-th crash point from now (`strength`), and restarts after a while. */
  | "crash_at_point"
  /** The process stalls, and continues as if nothing had happened. */
  | "pause"
  | "cut_one_way"
  | "cut_both_ways"
  /** Messages are lost, duplicated and delayed; `strength` from 0 to 1. */
  | "bad_weather"
  /** No message arrives. */
  | "bus_down"
  /** Messages are duplicated, and delayed by more than every lifetime (`strength`: the chance of each). */
  | "very_late"
  /** Messages with a `forget`, or their acknowledgements, are lost (`strength`: the chance). */
  | "lose_forgets"
  /** Calls to the store fail before execution, are executed but lose their reply, or are slow. */
  | "store_failures"
  | "store_lost_replies"
  | "store_slow"
  | "store_full"
  /** The log loses this many commits (`strength`), or, at 0, everything since some transaction began. */
  | "lose_log_tail"
  /** A branch store loses up to this many commits (`strength`), all of which contain only votes. */
  | "lose_votes"
  /** All leases are lost. */
  | "lose_leases";

export interface Fault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly atMs: number;
  /** How long it lasts, or how long until the process restarts. */
  readonly forMs: number;
  readonly strength: number;
}

export function faultText({ kind, target, atMs, forMs, strength }: Fault): string {
  return `${atMs.toFixed(0)} ms: ${kind} ${target} for ${forMs.toFixed(0)} ms, strength ${strength.toFixed(2)}`;
}

/**
 * The smallest part of a plan that still fails, found by removing ever smaller chunks (Zeller and Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002). Stops after `runsMax` runs with the best result so far.
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

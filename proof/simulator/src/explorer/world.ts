// What a world is made of: its branches, what may go wrong in it and how often.
import { type BranchSpec, defaultLimits, type Limits, type Protocol } from "assent/internal/protocol";
import type { Machines } from "./machines.ts";

/** How often each thing may happen. What is not named never does. */
export interface Budgets {
  /** Takeovers of a record whose owner is alive: a lease has lapsed, or the grace has passed (R2). */
  readonly takeovers: number;
  readonly crashes: number;
  /** Commands and writes that never arrive; the sender hears nothing. */
  readonly lostMessages: number;
  readonly lostReplies: number;
  /** Decisions and ends that are written, and whose writer does not hear so (T9). */
  readonly lostWriteReplies: number;
  readonly duplicates: number;
  /** The log loses its newest acknowledged writes. */
  readonly failovers: number;
  /** Deadlines that fire at an owner that has run without interruption (C6). */
  readonly deadlines: number;
  /** Deadlines that fire at an owner that was paused, or has lost its lease (R2). */
  readonly stalls: number;
  /** Questions of branches that need not ask yet (P6). Those that have to ask may at any time. */
  readonly questions: number;
  /** Callers that read the outcome from the log (C3, T5). */
  readonly readers: number;
  /** Times that the attempt is begun again after the log has lost it (T3). */
  readonly lives: number;
  /** Answers `contended` to a first phase 1 (P10). */
  readonly contentions: number;
  /** Branch stores that lose a yes vote: outside the fault model (T7). */
  readonly lostVotes: number;
  /** Outcomes whose time is over, and that are removed from the log (P7). */
  readonly removals: number;
  /** Steps of coarse time: past the deadline, past `maxAge`, past twice `maxAge` (P7, P8). */
  readonly ages: number;
}

export const noBudgets: Budgets = {
  takeovers: 0,
  crashes: 0,
  lostMessages: 0,
  lostReplies: 0,
  lostWriteReplies: 0,
  duplicates: 0,
  failovers: 0,
  deadlines: 0,
  stalls: 0,
  questions: 0,
  readers: 0,
  lives: 0,
  contentions: 0,
  lostVotes: 0,
  removals: 0,
  ages: 0,
};

/** What a branch says to its first phase 1; `either` explores both. */
export type Vote = "agrees" | "refuses" | "either";

export interface BranchPlan {
  readonly vote: Vote;
  /** Indexes of the branches that must have voted yes before. */
  readonly after?: readonly number[];
}

export interface World {
  readonly name: string;
  /** What it shows, in a few words. */
  readonly shows: string;
  readonly protocol: Protocol;
  readonly branches: readonly BranchPlan[];
  readonly budgets: Partial<Budgets>;
  /** How many writes of the log one failover may lose (1). */
  readonly failoverDepth?: number;
  /** The protocol of a second life, where it is another one (C7). */
  readonly secondProtocol?: Protocol;
  /** `still`: epochs are not helped by a clock, only by what has been seen (T8). */
  readonly clock?: "moves" | "still";
  /** Reasons for which a transaction may stay parked for ever, and alarms that are allowed. */
  readonly mayPark?: readonly string[];
  /**
   * S7 is judged for schedules that keep nothing from arriving for ever. Elsewhere every schedule has to end, fair or
   * not; but who meets a contradiction asks again for ever, and could starve the others.
   */
  readonly fairly?: boolean;
  readonly machines?: Partial<Machines>;
}

export const begunAt = 1_000;
/** Parks early, so that small worlds reach it. */
export const worldLimits: Limits = { ...defaultLimits, parkAfterAttempts: 2, forgetAttempts: 2 };

/** Coarse time: in time, past the deadline, past `maxAge`, past twice `maxAge`. */
export const times: readonly [number, number, number, number] = [
  begunAt + 10,
  begunAt + worldLimits.phaseOneDeadlineMs + worldLimits.clockSkewMs + 1,
  begunAt + worldLimits.maxAgeMs + 1,
  begunAt + 2 * worldLimits.maxAgeMs + 1,
];

const names = ["a", "b", "c", "d"];

export function branchName(branch: number): string {
  return names[branch] ?? `branch ${branch}`;
}

export function branchSpecs({ branches }: World): readonly BranchSpec[] {
  return branches.map(({ after = [] }, branch) => {
    const branchId = branchName(branch);
    const payload = { of: branchId };
    return { branchId, step: branchId, service: branchId, partition: "0", payload, after: after.map(branchName) };
  });
}

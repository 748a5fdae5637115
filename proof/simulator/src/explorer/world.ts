// The definition of a world: its branches, and which faults may happen in it and how often.
import { type BranchSpec, defaultLimits, type Limits, type Protocol } from "assent/internal/protocol";
import type { Machines } from "./machines.ts";

/** How many times each event may happen. Omitted events never happen. */
export interface Budgets {
  /** Takeovers of a record whose owner is alive: its lease has lapsed, or its grace has passed (R2). */
  readonly takeovers: number;
  readonly crashes: number;
  /** Commands and writes that never arrive; the sender gets no answer. */
  readonly lostMessages: number;
  readonly lostReplies: number;
  /** Decisions and ends that are written, but whose acknowledgement is lost (T9). */
  readonly lostWriteReplies: number;
  readonly duplicates: number;
  /** The log loses its newest acknowledged writes. */
  readonly failovers: number;
  /** Deadlines that fire at an owner that has run without interruption (C6). */
  readonly deadlines: number;
  /** Deadlines that fire at an owner that was paused, or has lost its lease (R2). */
  readonly stalls: number;
  /** Questions of branches that need not ask yet (P6). Those that have to ask may do so without this budget. */
  readonly questions: number;
  /** Callers that read the outcome from the log (C3, T5). */
  readonly readers: number;
  /** How many times the attempt is begun again after the log has lost it (T3). */
  readonly lives: number;
  /** Answers `contended` to a first phase 1 (P10). */
  readonly contentions: number;
  /** Branch stores that lose a yes vote: outside the fault model (T7). */
  readonly lostVotes: number;
  /** Expired outcomes that are removed from the log (P7). */
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

/** The vote of a branch in its first phase 1; `either` explores both. */
export type Vote = "agrees" | "refuses" | "either";

export interface BranchPlan {
  readonly vote: Vote;
  /** Indexes of the branches that must have voted yes before. */
  readonly after?: readonly number[];
}

export interface World {
  readonly name: string;
  /** What the world demonstrates. */
  readonly shows: string;
  readonly protocol: Protocol;
  readonly branches: readonly BranchPlan[];
  readonly budgets: Partial<Budgets>;
  /** How many writes of the log one failover may lose (1). */
  readonly failoverDepth?: number;
  /** The protocol of a second incarnation, if it differs (C7). */
  readonly secondProtocol?: Protocol;
  /** `still`: the clock does not advance, so new epochs follow only from epochs already seen (T8). */
  readonly clock?: "moves" | "still";
  /** Reasons for which a transaction may stay parked for ever, and alarms that are allowed. */
  readonly mayPark?: readonly string[];
  /**
   * S7 is checked only for fair schedules, in which nothing is delayed for ever. In other worlds every schedule has to
   * end, fair or not. A party that gets a contradictory answer asks again for ever, and could starve the others.
   */
  readonly fairly?: boolean;
  readonly machines?: Partial<Machines>;
}

export const begunAt = 1_000;
/** Limits that park early, so that small worlds reach it. */
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

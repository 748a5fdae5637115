// Steps in progress: who waits for them, and what is carried from one attempt to the next.
import type { StepCall, StoreFailure } from "assent/internal/engine";
import type { BatchReads } from "./batch-reads.ts";
import type { Batch } from "./batch.ts";
import { ReadSet } from "./read-set.ts";
import type { Round } from "./round.ts";

export interface PendingStep extends StepCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreFailure) => void;
  /** By the monotonic clock. */
  readonly askedAt: number;
  attempts: number;
}

/** Consecutive attempts: of all steps together, or of one step alone. */
export interface Lane {
  readonly isAlone: boolean;
  /** Records found by the last attempt for the steps that have to be retried. */
  carried: ReadSet;
  /** Steps with more reads than others should wait for. They continue after this attempt. */
  apart: PendingStep[];
}

export const newLane = (isAlone: boolean): Lane => ({ isAlone, carried: new ReadSet(), apart: [] });

/** Steps that have run on cached records, and wait for verification. */
export interface Prepared {
  readonly lane: Lane;
  readonly steps: readonly PendingStep[];
  readonly batch: Batch;
  readonly reads: BatchReads;
  /** The time given to them, epoch milliseconds. */
  readonly now: number;
  /** When that was, by the monotonic clock. */
  readonly madeAt: number;
}

/** The server's results for them. */
export interface Verified {
  readonly round: Round;
  /** The values found in place of the expected ones. */
  readonly differing: ReadonlyMap<number, string | undefined>;
  /** Whether too few replicas have acknowledged it. */
  readonly isShort: boolean;
}

/** Fails all of these steps with one failure. */
export function fail(steps: readonly PendingStep[], failure: StoreFailure): void {
  for (const step of steps) step.reject(failure);
}

// The serving of commands as seen by its process, in either mode.
import type { WorkCounts } from "./command-worker.ts";

export interface ServingStatus {
  readonly service: string;
  /** Whether commands reach this instance. */
  readonly ready: boolean;
  /** The reason, if they do not. */
  readonly problem?: string;
  readonly counts: WorkCounts;
}

export interface Serving {
  status(): ServingStatus;
  /** Takes no more, and resolves when everything taken is answered. */
  stop(): Promise<void>;
}

/** A serving that reports when commands first reach it. */
export interface ReadyServing extends Serving {
  /** Resolves when commands reach this instance, or cannot for long. Never rejects. */
  ready(): Promise<void>;
}

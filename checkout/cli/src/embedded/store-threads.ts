// Start-up data of the threads of the embedded topology.
import type { Limits } from "assent/internal/protocol";

export interface StoreThreadData {
  readonly path: string;
  readonly limits: Limits;
}

/** Data of a thread that also takes part in transactions. */
export interface ParticipantThreadData extends StoreThreadData {
  readonly service: "stock" | "payment";
  /** Initial fault rules, as in FAULT_INJECT; undefined if fault injection is off. */
  readonly faults?: string;
}

/** Channels between the threads and the process. */
export const commandChannel = "commands";
export const questionChannel = "questions";
export const faultChannel = "faults";

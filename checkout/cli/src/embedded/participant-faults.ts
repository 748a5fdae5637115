// Faults of the thread of a participant. Imported only where fault injection is on: the schemas of rules cost each
// thread 10 MB.
import { FaultyBranchStore, participantPoints, performFaultRequest } from "@assent/faults";
import type { BranchStore } from "assent/internal/ports";
import { faultRules } from "../fault-settings.ts";

export interface ParticipantFaults {
  /** Fails as the rules say. */
  readonly around: (branches: BranchStore) => BranchStore;
  /** Answers a request to set, clear or list rules. */
  readonly perform: (request: Uint8Array) => Uint8Array;
}

/** @param initial rules to start with, as in FAULT_INJECT */
export function participantFaults(service: string, initial: string): ParticipantFaults {
  const rules = faultRules(participantPoints, initial);
  return {
    around: (branches) => new FaultyBranchStore(branches, rules),
    perform: (request) => performFaultRequest(rules, service, request),
  };
}

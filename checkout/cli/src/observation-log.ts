// The observations of an orchestrator or participant that an operator wants to read; the others are for metrics.
import { StoreClosed } from "assent/internal/engine";
import type { Observation, Observer } from "assent/internal/ports";
import { shownError } from "./redaction.ts";

/** @param name begins every line */
export function observationLog(name: string): Observer {
  return {
    observe(observation: Observation): void {
      switch (observation.type) {
        case "TransactionTakenOver":
          console.log(`${name}: takes over ${observation.txId}, left unfinished by ${observation.from}`);
          return;
        case "TransactionParked":
        case "RemovalPostponed":
        case "AlarmRaised":
        case "ProtocolSwitched":
        case "BreakerChanged":
        case "LeadershipChanged":
          console.log(`${name}: ${JSON.stringify(observation)}`);
          return;
        case "HandlerFailed": {
          const { txId, branchId, verb, error } = observation;
          console.error(`${name}: ${verb} of ${branchId} of ${txId} failed and will be retried:`, error);
          return;
        }
        case "BackgroundWorkFailed":
          if (observation.error instanceof StoreClosed) return;
          console.error(`${name}: ${observation.work}:`, shownError(observation.error));
          return;
        case "TransactionBegun":
        case "TransactionDecided":
        case "TransactionEnded":
        case "TransactionRefused":
          return;
      }
    },
  };
}

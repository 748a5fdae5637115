// A transaction log with injected faults around each of the coordinator's writes.
import type { TransactionLog } from "assent/internal/ports";
import type { FaultRules } from "./fault-rules.ts";

export function faultyLog(log: TransactionLog, rules: FaultRules): TransactionLog {
  return {
    ...log,
    begin: (request) => rules.around("begin", () => log.begin(request)),
    decide: (request) => rules.around("decide", () => log.decide(request)),
    end: (request) => rules.around("end", () => log.end(request)),
    takeOver: (request) => rules.around("take_over", () => log.takeOver(request)),
  };
}

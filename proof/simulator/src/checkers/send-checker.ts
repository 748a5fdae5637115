// The order of steps, at each command that a coordinator sends: `after` forward, and its reverse backward.
import { type BranchRecord, type BranchSpec, type Command, isYesState, verbRole } from "assent/internal/protocol";
import type { Report } from "./violation.ts";

export interface SendSurroundings {
  /** The branches of the transaction that the command belongs to. */
  readonly branches: readonly BranchSpec[];
  readonly branch: (spec: BranchSpec) => BranchRecord | undefined;
}

/** A coordinator knows the votes and releases that it has received; they are durable before that. */
export function checkSent({ txId, branchId, verb }: Command, around: SendSurroundings, report: Report): void {
  const role = verbRole(verb);
  const own = around.branches.find((spec) => spec.branchId === branchId);
  for (const other of around.branches) {
    const state = around.branch(other)?.state;
    if (role === "vote" && own?.after.includes(other.branchId) === true && state === undefined) {
      report({ rule: "order", text: `${branchId} was asked before ${other.branchId} had voted`, txId });
    }
    if (role === "backward" && other.after.includes(branchId) && state !== undefined && isYesState(state)) {
      report({ rule: "order", text: `${branchId} was sent ${verb} while ${other.branchId} is ${state}`, txId });
    }
  }
}

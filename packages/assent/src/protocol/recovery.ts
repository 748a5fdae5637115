// R3: what the answers to query-or-prevent prove about an undecided transaction.
import type { AlarmCode, BranchProgress } from "./coordinator-state.ts";

export type Finding =
  | { readonly kind: "commit" }
  | { readonly kind: "abort"; readonly reason: string }
  /** A branch is silent, and silence decides nothing (C6). */
  | { readonly kind: "wait" }
  /** The answers contradict each other or prove nothing; an operator has to look. */
  | { readonly kind: "park"; readonly reason: string; readonly alarm?: AlarmCode; readonly branchId: string };

/**
 * All yes: commit. Any tombstone: abort. A forward-final branch proves that commit was decided. An expired branch
 * proves a no, too: it never ran, because a yes stays until it is decided, and what was carried out until it is
 * forgotten, which happens only after an end that the log cannot lose any more; and it never will run, because
 * whatever asks it to is too old (P7).
 */
export function weighAnswers(branches: readonly BranchProgress[]): Finding {
  const has = (status: BranchProgress["status"]): boolean => branches.some((branch) => branch.status === status);
  const no = branches.find((branch) => branch.status === "no");
  if (no !== undefined) {
    if (has("forward")) return park("mixed_outcome", no, "conflict");
    return { kind: "abort", reason: no.refusal ?? "interrupted" };
  }
  if (branches.some((branch) => branch.status === "idle" || branch.status === "asked")) return { kind: "wait" };
  const mismatch = branches.find((branch) => branch.status === "mismatch");
  if (mismatch !== undefined) {
    // A life with other content committed only if every branch voted on that; one that voted on this content did not.
    if (has("yes") && !has("forward")) return { kind: "abort", reason: "payload_mismatch" };
    return park("payload_mismatch", mismatch, "payload_mismatch");
  }
  if (has("forward")) return { kind: "commit" };
  const expired = branches.find((branch) => branch.status === "expired");
  return expired === undefined ? { kind: "commit" } : { kind: "abort", reason: "expired" };
}

function park(reason: string, { spec }: BranchProgress, alarm?: AlarmCode): Finding {
  return { kind: "park", reason, branchId: spec.branchId, ...(alarm !== undefined && { alarm }) };
}

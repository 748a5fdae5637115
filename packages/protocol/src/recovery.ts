// R3: what the answers to query-or-prevent prove about an undecided transaction.
import type { AlarmCode, BranchProgress } from "./coordinator-state.ts";

export type Finding =
  | { readonly kind: "commit" }
  | { readonly kind: "abort"; readonly reason: string }
  /** Somebody is silent, and silence decides nothing (C6). */
  | { readonly kind: "wait" }
  /** The answers contradict each other or prove nothing; an operator has to look. */
  | { readonly kind: "park"; readonly reason: string; readonly alarm?: AlarmCode; readonly branchId: string };

/**
 * All yes: commit. Any tombstone: abort. A forward-final branch proves that commit was decided. An expired branch
 * beside one that is still in its yes state never ran, because branches forget only after the durable end, which
 * needs every branch to be final. Expired everywhere proves nothing.
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
  if (expired === undefined) return { kind: "commit" };
  if (has("yes")) return { kind: "abort", reason: "expired" };
  return park("expired_everywhere", expired);
}

function park(reason: string, { spec }: BranchProgress, alarm?: AlarmCode): Finding {
  return { kind: "park", reason, branchId: spec.branchId, ...(alarm !== undefined && { alarm }) };
}

// R3: what the answers to query-or-prevent prove about an undecided transaction.
import type { BranchProgress } from "./coordinator-state.ts";

export type Finding =
  | { readonly kind: "commit" }
  | { readonly kind: "abort"; readonly reason: string }
  /** Somebody is silent, and silence decides nothing (C6). */
  | { readonly kind: "wait" }
  /** The answers contradict each other or prove nothing; an operator has to look. */
  | { readonly kind: "park"; readonly reason: string };

/**
 * All yes: commit. Any tombstone: abort. A forward-final branch proves that commit was decided. An expired branch
 * beside one that is still in its yes state never ran, because branches forget only after the durable end, which
 * needs every branch to be final. Expired everywhere proves nothing.
 */
export function weighAnswers(branches: readonly BranchProgress[]): Finding {
  const has = (status: BranchProgress["status"]): boolean => branches.some((branch) => branch.status === status);
  const no = branches.find((branch) => branch.status === "no");
  if (no !== undefined) {
    if (has("forward")) return { kind: "park", reason: "mixed_outcome" };
    return { kind: "abort", reason: no.refusal ?? "interrupted" };
  }
  if (branches.some((branch) => branch.status === "idle" || branch.status === "asked")) return { kind: "wait" };
  if (has("mismatch")) return { kind: "park", reason: "payload_mismatch" };
  if (has("forward")) return { kind: "commit" };
  if (!has("expired")) return { kind: "commit" };
  if (has("yes")) return { kind: "abort", reason: "expired" };
  return { kind: "park", reason: "expired_everywhere" };
}

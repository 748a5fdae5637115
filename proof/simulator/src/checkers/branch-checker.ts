// S1, P1, P2, P5, P6, P7 on the records of branches, at each commit.
import {
  type BranchRecord,
  type BranchState,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
} from "assent/internal/protocol";
import type { Report } from "./violation.ts";

/** P1, by the state before; "none" is no record. P9 lets a lost prepare be applied again. */
const allowed: Readonly<Record<BranchState | "none", readonly BranchState[]>> = {
  none: ["prepared", "executed", "aborted", "compensated", "committed"],
  prepared: ["committed", "aborted"],
  executed: ["completed", "compensated"],
  committed: [],
  completed: [],
  aborted: [],
  compensated: [],
};

export class BranchChecker {
  readonly #report: Report;
  /** By transaction, then by branch, what its final state was; removal does not make it undone. */
  readonly #finals = new Map<string, Map<string, BranchState>>();

  constructor(report: Report) {
    this.#report = report;
  }

  check(before: BranchRecord | undefined, after: BranchRecord | undefined): void {
    if (after !== undefined) this.#checkChange(before, after);
  }

  #checkChange(before: BranchRecord | undefined, after: BranchRecord): void {
    const { txId, branchId } = after;
    const report = (rule: string, text: string): void => this.#report({ rule, text: `${branchId} ${text}`, txId });
    const from = before?.state ?? "none";
    if (from !== after.state && !allowed[from].includes(after.state)) {
      const rule = before !== undefined && !isYesState(before.state) ? "P2" : "P1";
      report(rule, `went from ${from} to ${after.state}`);
    }
    if (before === undefined) return this.#noteFinal(after);
    if (after.epoch < before.epoch) report("P5", `forgot that it had seen epoch ${before.epoch}`);
    if (after.protocol !== before.protocol) report("C7", `changed from ${before.protocol} to ${after.protocol}`);
    if (before.payloadHash !== undefined && after.payloadHash !== before.payloadHash)
      report("P4", "changed its payload");
    if (before.forgotten && !after.forgotten) report("P7", "was forgotten and is not any more");
    this.#noteFinal(after);
  }

  /** The final state of a branch; its record may have been removed since. */
  finalOf(txId: string, branchId: string): BranchState | undefined {
    return this.#finals.get(txId)?.get(branchId);
  }

  #noteFinal({ txId, branchId, state }: BranchRecord): void {
    if (isYesState(state)) return;
    const finals = this.#finals.get(txId) ?? new Map<string, BranchState>();
    finals.set(branchId, state);
    this.#finals.set(txId, finals);
    const states = [...finals.values()];
    if (states.some(isForwardFinal) && states.some(isBackwardFinal)) {
      const mixed = [...finals].map(([id, final]) => `${id} ${final}`).join(", ");
      this.#report({ rule: "S1", text: `some went forward and some backward: ${mixed}`, txId });
    }
  }
}

/**
 * P6, P7: what a step removes, as it was at that moment. A commit may hold the step that settled the record and the
 * one that removed it.
 */
export function checkBranchRemoval({ txId, branchId, state, forgotten }: BranchRecord, report: Report): void {
  if (isYesState(state)) report({ rule: "P6", text: `${branchId} was removed while ${state}`, txId });
  if (isForwardFinal(state) && !forgotten) {
    report({ rule: "P7", text: `${branchId} was removed before it was told to forget`, txId });
  }
}

// S1, P1, P2, P5, P6, P7 on the records of branches, at each commit.
import {
  type BranchRecord,
  type BranchState,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
} from "assent/internal/protocol";
import type { Report } from "./violation.ts";

/** P1: allowed states, by the state before; "none" is no record. P9 allows a lost prepare to be applied again. */
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
  /** The final state by transaction and branch; the removal of a record does not undo it. */
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
    if (before.forgotten && !after.forgotten) report("P7", "was forgotten and is no longer");
    this.#noteFinal(after);
  }

  /** The final state of a branch, even if its record has been removed. */
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
      this.#report({ rule: "S1", text: `some ended forward and some backward: ${mixed}`, txId });
    }
  }
}

/**
 * P6, P7: records removed by a step, in their state at that time. A commit may contain both the step that settled the
 * record and the step that removed it.
 */
export function checkBranchRemoval({ txId, branchId, state, forgotten }: BranchRecord, report: Report): void {
  if (isYesState(state)) report({ rule: "P6", text: `${branchId} was removed while ${state}`, txId });
  if (isForwardFinal(state) && !forgotten) {
    report({ rule: "P7", text: `${branchId} was removed before its forget`, txId });
  }
}

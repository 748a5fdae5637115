// What the stores of a test world have answered about each branch: the state in which it is, durably.
import {
  type Answer,
  type BranchState,
  type Command,
  type Decision,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  parseTransactionId,
  verbTable,
} from "../protocol/index.ts";
import { stepOfBranch } from "../api/run-result.ts";

/** A branch that has voted, or was undone before it could. */
export interface WorldBranch {
  readonly tx: string;
  readonly key: string;
  readonly step: string;
  readonly service: string;
  readonly state: BranchState;
}

export class BranchBook {
  readonly #branches = new Map<string, WorldBranch>();

  record(service: string, { txId: tx, branchId, protocol }: Command, answer: Answer): void {
    const state = answer.kind === "refused" ? verbTable[protocol].backwardState : stateIn(answer);
    if (state === undefined) return;
    const { key } = parseTransactionId(tx);
    this.#branches.set(`${tx}/${branchId}`, { tx, key, step: stepOfBranch(branchId), service, state });
  }

  /** In the order in which they were first heard of. */
  get branches(): readonly WorldBranch[] {
    return [...this.#branches.values()];
  }
}

function stateIn(answer: Answer): BranchState | undefined {
  return answer.kind === "done" || answer.kind === "conflict" ? answer.state : undefined;
}

/** Branches that still wait for a decision. */
export function openOf(branches: readonly WorldBranch[]): readonly WorldBranch[] {
  return branches.filter(({ state }) => isYesState(state));
}

/** Whether all branches of one transaction are on one side: that of the decision, where it is known. */
export function isOnOneSide(branches: readonly WorldBranch[], decision: Decision | undefined): boolean {
  const isAll = (holds: (state: BranchState) => boolean): boolean => branches.every(({ state }) => holds(state));
  const sides = { commit: isAll(isForwardFinal), abort: isAll(isBackwardFinal), open: isAll(isYesState) };
  return decision === undefined ? sides.open || sides.abort || sides.commit : sides[decision];
}

export function branchesText(branches: readonly WorldBranch[]): string {
  return branches.map(({ step, service, state }) => `${step} of ${service} is ${state}`).join(", ");
}

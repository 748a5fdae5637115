// The verb table: the only place where two-phase commit and saga differ.

export type Protocol = "2pc" | "saga";
export type Decision = "commit" | "abort";
export type Verb =
  | "prepare"
  | "commit"
  | "abort"
  | "execute"
  | "complete"
  | "compensate"
  | "query-or-prevent"
  | "forget";
export type BranchState = "prepared" | "executed" | "committed" | "completed" | "aborted" | "compensated";

/** What a verb asks of a branch, whichever protocol it belongs to. */
export type VerbRole = "vote" | "forward" | "backward" | "query" | "forget";

interface ProtocolVerbs {
  readonly vote: Verb;
  readonly forward: Verb;
  readonly backward: Verb;
  readonly yesState: BranchState;
  readonly forwardState: BranchState;
  readonly backwardState: BranchState;
}

export const verbTable: Readonly<Record<Protocol, ProtocolVerbs>> = {
  "2pc": {
    vote: "prepare",
    forward: "commit",
    backward: "abort",
    yesState: "prepared",
    forwardState: "committed",
    backwardState: "aborted",
  },
  saga: {
    vote: "execute",
    forward: "complete",
    backward: "compensate",
    yesState: "executed",
    forwardState: "completed",
    backwardState: "compensated",
  },
};

const roles: Readonly<Record<Verb, VerbRole>> = {
  prepare: "vote",
  execute: "vote",
  commit: "forward",
  complete: "forward",
  abort: "backward",
  compensate: "backward",
  "query-or-prevent": "query",
  forget: "forget",
};

// The keys of `roles` are the verbs.
export const verbs: readonly Verb[] = Object.keys(roles) as Verb[];
export const branchStates: readonly BranchState[] = [
  "prepared",
  "executed",
  "committed",
  "completed",
  "aborted",
  "compensated",
];

export function verbRole(verb: Verb): VerbRole {
  return roles[verb];
}

/** The phase-2 verb of a decision. */
export function decisionVerb(protocol: Protocol, decision: Decision): Verb {
  return decision === "commit" ? verbTable[protocol].forward : verbTable[protocol].backward;
}

/** Whether a protocol has a verb; queries and `forget` belong to both. */
export function hasVerb(protocol: Protocol, verb: Verb): boolean {
  const { vote, forward, backward } = verbTable[protocol];
  const role = verbRole(verb);
  return role === "query" || role === "forget" || [vote, forward, backward].includes(verb);
}

export function isYesState(state: BranchState): boolean {
  return state === "prepared" || state === "executed";
}

export function isForwardFinal(state: BranchState): boolean {
  return state === "committed" || state === "completed";
}

export function isBackwardFinal(state: BranchState): boolean {
  return state === "aborted" || state === "compensated";
}

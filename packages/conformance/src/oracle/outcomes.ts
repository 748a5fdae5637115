// What has to happen in a run before it counts: every outcome of every call, and every rule of the models.
import type { Answer, Verb } from "assent/internal/protocol";
import { type Answered, type Call, type CallName, nameOf } from "./call.ts";

/** Rules that are not distinguished by the kind of an answer. */
export const rules = [
  "C4 an abort does not change a row of another incarnation",
  "C4 begin creates its row",
  "C4 begin with other content is unmet",
  "C4 no commit of a row of another incarnation",
  "C5 an attempt follows a failed one",
  "C7 a branch follows the protocol that it voted in",
  "M3 a control character is part of a name",
  "M3 a name may be long for a store",
  "M3 a step fails after its first half",
  "M3 an empty name is one name",
  "M3 half of a surrogate pair is refused",
  "P10 others hold the units",
  "P10 a branch that asked first is served first",
  "P4 a vote meets a branch that is backward",
  "P4 a vote meets a branch that is forward",
  "P4 a vote meets a branch that is yes",
  "P5 the highest epoch is recorded",
  "P6 a forward-final branch asks",
  "P6 a yes vote asks",
  "P7 a forgotten branch goes",
  "P7 a failure goes from the log",
  "P7 a success goes from the log",
  "P7 a success stays for longer",
  "P7 a tombstone goes",
  "R2 a decided record is taken over",
  "R2 no takeover to an epoch that was used",
  "R4 a decision takes the note away",
  "R4 a note is renewed",
  "R5 a later attempt was made",
  "R5 an earlier attempt has succeeded",
  "R5 the row is claimed again",
  "R5 the row has another incarnation",
  "R5 the row says aborted",
  "R5 the row says committed",
  "R5 the row was lost too",
  "R7 a free lease is granted",
  "R7 a lease is released",
  "R7 a lease is renewed",
  "R7 another has the lease",
  "R7 more is due than a sweep may look at",
  "R7 nothing to release",
  "S2 an account that was seeded again owes nothing",
] as const;

export type Rule = (typeof rules)[number];

const owned = ["written", "repeated", "lost", "absent"] as const;

/** By call, what it can come to. Commands to branches have outcomes by verb. */
const callOutcomes: Readonly<Record<Exclude<CallName, "store.apply">, readonly string[]>> = {
  "log.begin": ["begun", "absent", "key_reused", "unmet", "in_flight", "releasing", "committed", "rejected"],
  "log.decide": [...owned, "unmet", "rejected"],
  "log.end": owned,
  "log.takeOver": owned,
  "log.park": ["written", "lost", "absent"],
  "log.read": ["something", "nothing"],
  "log.peek": ["something", "nothing"],
  "log.owners": ["something", "nothing"],
  "log.unfinished": ["something", "nothing"],
  "log.history": ["something", "nothing"],
  "log.rebuild": ["something", "nothing", "rejected"],
  "log.sweep": ["something"],
  "log.remove": ["nothing"],
  "log.postpone": ["nothing"],
  "rows.putRow": ["nothing"],
  "rows.putRows": ["nothing"],
  "rows.readRow": ["something", "nothing"],
  "rows.changeRow": ["changed", "absent", "unmet", "rejected"],
  "store.sweep": ["something"],
  "accounts.seed": ["nothing", "rejected"],
  "accounts.open": ["nothing"],
  "accounts.find": ["something", "nothing"],
  "accounts.deposit": ["ok", "absent", "too_large", "rejected"],
  "accounts.withdraw": ["ok", "absent", "insufficient", "rejected"],
  "accounts.totals": ["something"],
  "lease.acquire": ["something"],
  "lease.current": ["something", "nothing"],
  "lease.release": ["nothing"],
};

const refusals = ["refused absent", "refused deadline_passed", "refused insufficient", "refused invalid_payload"];
const votes = ["done", ...refusals, "refused prevented", "expired", "fenced", "mismatch"];
const ways = ["done", "expired", "fenced", "conflict"];

const verbOutcomes: Readonly<Record<Verb, readonly string[]>> = {
  prepare: [...votes, "contended"],
  execute: votes,
  commit: [...ways, "hazard absent", "hazard insufficient", "hazard invalid_payload", "unknown"],
  complete: [...ways, "hazard vote_lost"],
  abort: [...ways, "done refused", "unknown"],
  compensate: [...ways, "done refused", "unknown"],
  "query-or-prevent": ["done", "done refused", "expired", "fenced", "mismatch"],
  forget: ["forgotten", "fenced", "conflict"],
};

const listed = (outcomes: Readonly<Record<string, readonly string[]>>): readonly string[] =>
  Object.entries(outcomes).flatMap(([name, each]) => each.map((outcome) => `${name}: ${outcome}`));

/** Everything that a run must have seen. */
export const outcomesExpected: readonly string[] = [...rules, ...listed(callOutcomes), ...listed(verbOutcomes)];

/** What a call has come to, in the words of `outcomesExpected`. */
export function outcomesOf(call: Call, answered: Answered): readonly string[] {
  if ("rejected" in answered) return [`${nameOf(call)}: rejected`];
  if (call.port !== "store" || call.method !== "apply") return [`${nameOf(call)}: ${wordFor(answered.answer)}`];
  const answers = answered.answer as readonly Answer[];
  return call.args[0].map(({ verb }, index) => `${verb}: ${wordForBranch(answers[index])}`);
}

function wordForBranch(answer: Answer | undefined): string {
  if (answer === undefined) return "no answer";
  switch (answer.kind) {
    case "refused":
    case "hazard":
      return `${answer.kind} ${answer.reason}`;
    case "done":
      return answer.refusal === undefined ? "done" : "done refused";
    default:
      return answer.kind;
  }
}

function wordFor(answer: unknown): string {
  if (answer === undefined || answer === 0 || (Array.isArray(answer) && answer.length === 0)) return "nothing";
  const { kind } = answer as { readonly kind?: unknown };
  return typeof kind === "string" ? kind : "something";
}

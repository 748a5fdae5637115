// The command of a coordinator to a branch: the record's names and numbers, and the data that the verb needs.
import {
  type BranchSpec,
  type Command,
  encodeOrigin,
  type TransactionRecord,
  type Verb,
  verbRole,
} from "../protocol/index.ts";

/** @param origin made only for the verbs that carry it: it is as large as the input */
export function commandOf(
  record: TransactionRecord,
  { spec, verb, origin }: { spec: BranchSpec; verb: Verb; origin: () => string },
): Command {
  const { txId, protocol, epoch, begunAt, deadlineAt } = record;
  const base = { txId, branchId: spec.branchId, verb, protocol, epoch, begunAt };
  switch (verbRole(verb)) {
    case "vote":
      return { ...base, deadlineAt, payload: spec.payload, origin: origin() };
    case "query":
      return { ...base, payload: spec.payload, origin: origin() };
    case "forward":
      return { ...base, payload: spec.payload };
    case "backward":
    case "forget":
      return base;
  }
}

/** The data that a branch keeps so that a lost record can be rebuilt (R5). */
export function originOf(
  { key, definition, definitionHash, input, deadlineAt }: TransactionRecord,
  coordinator: string,
): string {
  return encodeOrigin({ coordinator, key, definition, definitionHash, input, deadlineAt });
}

/** Success is reported at the decision (C5), so no caller waits for phase 2 forward. */
export function isUnwaitedFor(verb: Verb): boolean {
  const role = verbRole(verb);
  return role === "forward" || role === "forget";
}

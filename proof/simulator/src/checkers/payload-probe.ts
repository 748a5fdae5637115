// P4: whenever a vote or a question finds the record of its branch, the same name is sent again with another payload,
// in the same step. The answer must be `mismatch`, and nothing may change.
import { type Answer, type BranchRecord, type Command, verbRole } from "assent/internal/protocol";
import { isDeepStrictEqual } from "node:util";
import type { Report } from "./violation.ts";

export interface PayloadProbe {
  readonly command: Command;
  readonly read: () => BranchRecord | undefined;
  readonly apply: (command: Command) => Answer;
}

const otherPayload = { entries: [["probe", 1]] };

export function probePayload({ command, read, apply }: PayloadProbe, report: Report): void {
  const { txId, branchId, verb } = command;
  const role = verbRole(verb);
  const before = read();
  if ((role !== "vote" && role !== "query") || before?.payloadHash === undefined) return;
  if (command.epoch < before.epoch) return;
  const answer = apply({ ...command, payload: otherPayload });
  if (answer.kind !== "mismatch") {
    report({ rule: "P4", text: `${branchId} ${verb}: another payload was answered ${answer.kind}`, txId });
  }
  if (!isDeepStrictEqual(read(), before)) {
    report({ rule: "P4", text: `${branchId} ${verb}: another payload changed the record`, txId });
  }
}

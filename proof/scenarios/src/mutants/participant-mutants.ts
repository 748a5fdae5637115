// Mutants of participants: branch state machine and ledger.
import type { Mutant } from "./apply-mutant.ts";

export const participantMutants: readonly Mutant[] = [
  {
    id: "fence-ignored",
    rule: "P5",
    what: "a branch obeys an epoch that was fenced off",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard:
          'if (command.epoch < record.epoch) return { kind: "answer", answer: { kind: "fenced", ' +
          "epoch: record.epoch } };",
        instead: "",
      },
    ],
  },
  {
    id: "epoch-not-recorded",
    rule: "P5",
    what: "a branch forgets the epochs it has seen",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: "const touched = command.epoch > record.epoch ? { ...record, epoch: command.epoch } : record;",
        instead: "const touched = { ...record, epoch: record.epoch - 1 };",
      },
    ],
  },
  {
    id: "refusal-without-tombstone",
    rule: "P3",
    what: "a refusal leaves nothing behind",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { answer: { kind: "refused", reason }, record };',
        instead: 'void record; return { answer: { kind: "refused", reason } };',
      },
    ],
  },
  {
    id: "prevent-without-tombstone",
    rule: "P3",
    what: "preventing leaves nothing behind",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { kind: "answer", answer: stateOf(record), record };',
        instead: 'return { kind: "answer", answer: stateOf(record) };',
      },
    ],
  },
  {
    id: "duplicate-runs-again",
    rule: "P4",
    what: "a duplicate vote runs the handler again",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { kind: "answer", answer: storedVote(record, command) };',
        instead: 'return { kind: "run", operation: command.protocol === "saga" ? "execute" : "prepare" };',
      },
    ],
  },
  {
    id: "tombstone-votes-yes",
    rule: "P3",
    what: "a late vote on a tombstone is answered yes",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard:
          'if (isBackwardFinal(record.state)) return { kind: "refused", reason: record.refusal ?? ' + '"prevented" };',
        instead: 'if (isBackwardFinal(record.state)) return { kind: "done", state: "prepared" };',
      },
    ],
  },
  {
    id: "expiry-ignored",
    rule: "P7",
    what: "an old command for a branch that is gone runs",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard:
          'if (now > command.begunAt + limits.maxAgeMs) return { kind: "answer", answer: { kind: ' + '"expired" } };',
        instead: "",
      },
    ],
  },
  {
    id: "yes-state-removed",
    rule: "P6",
    what: "an undecided record is removed by age",
    edits: [
      {
        file: "packages/assent/src/engine/branch-index.ts",
        guard: "const asksAgain = shouldAsk(record);",
        instead:
          'if (["prepared", "executed"].includes(record.state)) return void tables.delete(branchTable, key) ?? [];' +
          "\n    const asksAgain = shouldAsk(record);",
      },
    ],
  },
  {
    id: "forward-final-removed",
    rule: "P7",
    what: "a committed record is removed before it may be forgotten",
    edits: [
      {
        file: "packages/assent/src/engine/branch-index.ts",
        guard: "const asksAgain = shouldAsk(record);",
        instead:
          'if (["committed", "completed"].includes(record.state)) return void tables.delete(branchTable, key) ?? [];' +
          "\n    const asksAgain = shouldAsk(record);",
      },
    ],
  },
  {
    id: "never-asks",
    rule: "P6",
    what: "a branch never asks for the outcome of its transaction",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: "return !record.forgotten && !isBackwardFinal(record.state);",
        instead: "return false;",
      },
    ],
  },
  {
    id: "lost-commit-not-reapplied",
    rule: "P9",
    what: "a lost vote is committed without its effect",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { kind: "run", operation: "reapply" };',
        instead: 'return { kind: "answer", answer: { kind: "done", state: "committed" } };',
      },
    ],
  },
  {
    id: "abort-keeps-hold",
    rule: "S7",
    what: "an abort releases nothing",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard: "abort: (step) => settle(step, { move: releaseHeld, moveReplaced: releaseReplaced }),",
        instead: 'abort: () => ({ kind: "ok" }),',
      },
    ],
  },
  {
    id: "commit-spends-nothing",
    rule: "S2",
    what: "a commit spends nothing",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard: "commit: (step) => settle(step, { move: spendHeld, moveReplaced: spendReplaced }),",
        instead: "commit: (step) => settle(step, { move: releaseHeld, moveReplaced: releaseReplaced }),",
      },
    ],
  },
  {
    id: "compensates-nothing",
    rule: "S2",
    what: "a compensation gives nothing back",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard: "compensate: (step) => settle(step, { move: refund, moveReplaced: refundReplaced }),",
        instead: 'compensate: () => ({ kind: "ok" }),',
      },
    ],
  },
  {
    id: "oversells",
    rule: "S3",
    what: "a hold takes more than is available",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard:
          'if (account.available + account.held < amount) return "insufficient";\n    if ' +
          '(account.available - line.ahead(accountId, nameOf(step), step.now) < amount) verdict = "contended";',
        instead: "void step; void line; void amount; void account; void accountId;",
      },
      {
        file: "packages/assent/src/ledger/account.ts",
        guard: "const isWhole = parts.every(",
        instead: "const isWhole = parts.slice(1).every(",
      },
    ],
  },
  {
    id: "refunds-twice",
    rule: "S2",
    what: "a refund gives back twice",
    edits: [
      {
        file: "packages/assent/src/ledger/account.ts",
        guard: "return moved(account, { spent: -amount, available: amount });",
        instead: "return moved(account, { spent: -amount, available: 2 * amount, deposited: amount });",
      },
    ],
  },
  {
    id: "terminal-states-not-final",
    rule: "P2",
    what: "a repeated abort runs again",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard:
          'if (isBackwardFinal(record.state)) return { kind: "answer", answer: stateOf(record) };\n      if ' +
          "(isForwardFinal(record.state)) return conflict(record);\n      return",
        instead: "return",
      },
    ],
  },
  {
    id: "commit-runs-again",
    rule: "P2",
    what: "a repeated commit runs again",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'if (isForwardFinal(record.state)) return { kind: "answer", answer: stateOf(record) };',
        instead: "",
      },
    ],
  },
  {
    id: "null-compensation",
    rule: "P3",
    what: "a branch that never ran is undone",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard:
          "const record = { ...tombstone(command, now), ...(command.origin !== undefined && { origin: " +
          "command.origin }) };",
        instead:
          'if (role === "backward") return { kind: "run", operation: "compensate" };\n      const record = ' +
          "{ ...tombstone(command, now) };",
      },
    ],
  },
  {
    id: "tombstone-removed-early",
    rule: "P7",
    what: "a tombstone is removed before the last late vote can arrive",
    edits: [
      {
        file: "packages/assent/src/engine/branch-index.ts",
        guard: 'timeKey(now - keptAfterBeginMs(lifetimes), "")',
        instead: 'timeKey(now - 500, "")',
      },
    ],
  },
  {
    id: "deadline-before-stored-answer",
    rule: "P8",
    what: "a vote that is repeated past its deadline is refused",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'case "vote":\n      return { kind: "answer", answer: storedVote(record, command) };',
        instead:
          'case "vote":\n      if (command.deadlineAt !== undefined && now > command.deadlineAt) return { kind: ' +
          '"answer", ...refuse(command, "deadline_passed", now) };\n      return { kind: "answer", answer: ' +
          "storedVote(record, command) };",
      },
    ],
  },
  {
    id: "false-sold-out",
    rule: "P10",
    what: "units that are only held are refused as sold out",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard: 'if (account.available + account.held < amount) return "insufficient";',
        instead: 'if (account.available < amount) return "insufficient";',
      },
    ],
  },
  {
    id: "generation-ignored",
    rule: "S2",
    what: "a branch from before a seeding settles on the newly seeded account",
    edits: [
      {
        file: "packages/assent/src/ledger/ledger-handler.ts",
        guard: "if (account.generation === memo[accountId]) writeAccount(",
        instead: "if (true as boolean) writeAccount(",
      },
    ],
  },
  {
    id: "saga-aborted-not-compensated",
    rule: "C7",
    what: "an executed saga branch is aborted as if it were only prepared",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { kind: "run", operation: record.protocol === "saga" ? "compensate" : "abort" };',
        instead: 'return { kind: "run", operation: "abort" };',
      },
    ],
  },
  {
    id: "protocol-of-the-command",
    rule: "C7",
    what: "a branch follows the protocol of the command, not the one it voted in",
    edits: [
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'return { kind: "run", operation: record.protocol === "saga" ? "compensate" : "abort" };',
        instead: 'return { kind: "run", operation: command.protocol === "saga" ? "compensate" : "abort" };',
      },
      {
        file: "packages/assent/src/protocol/branch.ts",
        guard: 'if (record.protocol === "saga") return { kind: "answer", ...moved(record, "completed", now) };',
        instead: 'if (command.protocol === "saga") return { kind: "answer", ...moved(record, "completed", now) };',
      },
    ],
  },
  {
    id: "wait-is-abort",
    rule: "P6",
    what: "a branch that receives `wait` releases on its own",
    edits: [
      {
        file: "packages/assent/src/participant/participant.ts",
        guard: 'if (answer.kind === "wait") return [];\n  const { txId, branchId, protocol, begunAt } = question;',
        instead:
          'const { txId, branchId, protocol, begunAt } = question;\n  if (answer.kind === "wait") return [{ txId, ' +
          'branchId, protocol, begunAt, epoch: question.epoch, verb: decisionVerb(protocol, "abort") }];',
      },
    ],
  },
];

// The answer to a command whose step failed, for every branch store.
import type { BranchFailure } from "../ports/branch-store.ts";
import { type Answer, type Command, handlerFailed, InvariantViolation } from "../protocol/index.ts";
import { HandlerFailed } from "./handler-result.ts";

/**
 * Reports a bug to the operator, because a retry would hit it again. A failed step changed nothing and the outcome of a
 * broken commit is unknown: in both cases nothing may be concluded.
 * @param code the reason where no handler failed, such as `step_failed`
 */
export function failedAnswer(
  cause: unknown,
  about: {
    readonly command: Command;
    readonly code: string;
    readonly onFailure: ((failure: BranchFailure) => void) | undefined;
  },
): Answer {
  const { command, code, onFailure } = about;
  if (cause instanceof HandlerFailed || cause instanceof InvariantViolation) onFailure?.({ command, error: cause });
  return { kind: "unknown", reason: cause instanceof HandlerFailed ? handlerFailed : code };
}

// Where a service may be made to fail, and rules for it from outside.
import { faultActions, type FaultRule, faultRuleSchema } from "@assent/contract";

/** Where a participant can fail: around the step that a command asks for. */
export const participantPoints = pointsOf(["prepare", "commit", "abort", "execute", "complete", "compensate"]);

/** Where a coordinator can fail: around each of its writes to the log. */
export const coordinatorPoints = pointsOf(["begin", "decide", "end", "take_over"]);

function pointsOf<Name extends string>(names: readonly Name[]): readonly `${"before" | "after"}_${Name}`[] {
  return names.flatMap((name) => [`before_${name}`, `after_${name}`] as const);
}

/** A rule that cannot be meant; nothing was changed. `code` is stable. */
export class InvalidFault extends Error {
  readonly code = "invalid_fault";

  constructor(message: string) {
    super(`${message} Nothing was changed.`);
    this.name = "InvalidFault";
  }
}

/**
 * Reads the reference's `FAULT_INJECT=point:action[:value]`; several are separated by commas.
 * @throws {InvalidFault}
 */
export function parseFaults(text: string): readonly FaultRule[] {
  return text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [point = "", action = "", value = "0", ...rest] = part.trim().split(":");
      const parsed = faultRuleSchema.safeParse({ point, action, value: /^\d+$/.test(value) ? Number(value) : value });
      if (!parsed.success || rest.length > 0) {
        throw new InvalidFault(
          `${part.trim()} is not point:action[:value], with an action of ${faultActions.join(", ")}.`,
        );
      }
      return checkPoint(parsed.data, [...participantPoints, ...coordinatorPoints]);
    });
}

/** @throws {InvalidFault} for a point that this service has not */
export function checkPoint(rule: FaultRule, points: readonly string[]): FaultRule {
  if (points.includes(rule.point)) return rule;
  throw new InvalidFault(`There is no point "${rule.point}" here; there are ${points.join(", ")}.`);
}

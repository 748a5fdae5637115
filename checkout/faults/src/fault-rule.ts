// Points where a service can be made to fail, and rules for them.
import { faultActions, type FaultRule, faultRuleSchema } from "@assent/contract";

/** Points of a participant: around the step of a command. */
export const participantPoints = pointsOf(["prepare", "commit", "abort", "execute", "complete", "compensate"]);

/** Points of a coordinator: around each of its writes to the log. */
export const coordinatorPoints = pointsOf(["begin", "decide", "end", "take_over"]);

function pointsOf<Name extends string>(names: readonly Name[]): readonly `${"before" | "after"}_${Name}`[] {
  return names.flatMap((name) => [`before_${name}`, `after_${name}`] as const);
}

/** An invalid rule; nothing was changed. `code` is stable. */
export class InvalidFault extends Error {
  readonly code = "invalid_fault";

  constructor(message: string) {
    super(`${message} Nothing was changed.`);
    this.name = "InvalidFault";
  }
}

/**
 * Parses the reference's `FAULT_INJECT=point:action[:value]`, several separated by commas.
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
          `${part.trim()} is not point:action[:value] with one of the actions ${faultActions.join(", ")}.`,
        );
      }
      return checkPoint(parsed.data, [...participantPoints, ...coordinatorPoints]);
    });
}

/** @throws {InvalidFault} for a point that this service does not have */
export function checkPoint(rule: FaultRule, points: readonly string[]): FaultRule {
  if (points.includes(rule.point)) return rule;
  throw new InvalidFault(`Unknown point "${rule.point}"; this service has ${points.join(", ")}.`);
}

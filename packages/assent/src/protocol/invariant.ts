// Assertions that stay on in production. A broken one is a bug of ours, never a condition to handle.

/** Thrown when a rule of the protocol is broken inside our own code. `code` is stable; `rule` is the rule's id. */
export class InvariantViolation extends Error {
  readonly code = "invariant_violation";
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.name = "InvariantViolation";
    this.rule = rule;
  }
}

/**
 * Asserts a rule of the protocol.
 * @param rule the id in the protocol document, such as "C1"
 * @throws {InvariantViolation} when `condition` does not hold
 */
export function invariant(condition: boolean, rule: string, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(rule, message);
}

/** Marks a place that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantViolation("types", `unexpected ${JSON.stringify(value)}`);
}

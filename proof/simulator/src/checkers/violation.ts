/** A violated rule, and how. `rule` is its id in the protocol document. */
export interface Violation {
  readonly rule: string;
  readonly text: string;
  /** The transaction it concerns, for its timeline. */
  readonly txId?: string;
}

export type Report = (violation: Violation) => void;

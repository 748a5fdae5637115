// Shared by the models: the time, and a record of the rules that have been met.
import type { Rule } from "./outcomes.ts";

export interface Surroundings {
  /** Store time, epoch milliseconds. */
  readonly now: () => number;
  readonly met: (rule: Rule) => void;
}

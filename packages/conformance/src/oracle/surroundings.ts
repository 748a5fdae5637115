// What the models share: the time, and somebody who writes down which of their rules have been met.
import type { Rule } from "./outcomes.ts";

export interface Surroundings {
  /** Store time, epoch milliseconds. */
  readonly now: () => number;
  readonly met: (rule: Rule) => void;
}

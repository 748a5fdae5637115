// Choices that look random and are the same in every run with the same seed.
import { numbers } from "../numbers.ts";

export class Draw {
  /** A whole number below the bound. */
  readonly below: (bound: number) => number;

  constructor(seed: number) {
    this.below = numbers(seed);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  of<T>(choices: readonly T[]): T {
    // Callers pass at least one choice.
    return choices[this.below(choices.length)] as T;
  }

  /** One of them, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    throw new Error("the weights do not add up");
  }
}

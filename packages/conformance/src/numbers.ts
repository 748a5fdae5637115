// Numbers that look random and are the same in every run.

/** Whole numbers below `bound`, by a linear congruential generator (parameters of Numerical Recipes). */
export function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

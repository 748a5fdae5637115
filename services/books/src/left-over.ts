// The books as everybody can read them, without the stores: what is left is what was given, less what was taken out,
// less what was sold.

export interface LeftOver {
  /** Such as `stock of 7`. */
  readonly name: string;
  readonly given: number;
  readonly taken: number;
  readonly sold: number;
  /** Undefined where it is not to be found. */
  readonly left: number | undefined;
}

/** Undefined when it adds up. */
export function judgeLeftOver({ name, given, taken, sold, left }: LeftOver): string | undefined {
  const due = given - taken - sold;
  if (left === due) return undefined;
  const why = `${given} given, ${taken} taken, ${sold} to paid orders`;
  return `S2: ${name} is ${left ?? "not to be found"}, and must be ${due} (${why})`;
}

// The books as any client can read them, without the stores: the amount left is the amount given, less the amount taken
// out, less the amount sold.

export interface LeftOver {
  /** Such as `stock of 7`. */
  readonly name: string;
  readonly given: number;
  readonly taken: number;
  readonly sold: number;
  /** Undefined when it does not exist. */
  readonly left: number | undefined;
}

/** Undefined when it adds up. */
export function judgeLeftOver({ name, given, taken, sold, left }: LeftOver): string | undefined {
  const due = given - taken - sold;
  if (left === due) return undefined;
  const why = `${given} given, ${taken} taken, ${sold} to paid orders`;
  return `S2: ${name} is ${left ?? "not to be found"}, and must be ${due} (${why})`;
}

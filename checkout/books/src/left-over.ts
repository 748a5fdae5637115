// The books as any client can read them, without the stores: the remaining amount is the amount given, minus the amount
// taken out, minus the amount sold.

export interface LeftOver {
  /** Such as `stock of 7`. */
  readonly name: string;
  readonly given: number;
  readonly taken: number;
  readonly sold: number;
  /** Undefined when it does not exist. */
  readonly left: number | undefined;
}

/** Undefined if it adds up. */
export function judgeLeftOver({ name, given, taken, sold, left }: LeftOver): string | undefined {
  const due = given - taken - sold;
  if (left === due) return undefined;
  const why = `${given} given, ${taken} taken, ${sold} to paid orders`;
  return `S2: ${name} is ${left ?? "missing"}, but must be ${due} (${why})`;
}

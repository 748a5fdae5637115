// S7 as a graph problem: from which states can free steps continue for ever?

/** Free steps as pairs: the state before, and after. */
export interface FreeSteps {
  readonly from: number[];
  readonly to: number[];
}

export interface EndOptions {
  /** States that may stay unchanged: they end every schedule. */
  readonly restful: ReadonlySet<number>;
  /** Only fair schedules count, in which every possible step happens eventually: then one path to an end is enough. */
  readonly fairly: boolean;
}

/**
 * The states, in ascending order, from which a schedule of free steps has no end. Repeatedly removes the states that
 * lead only to removed ones (or, if fair, to any removed one); the remaining states lie on cycles.
 */
export function endless(states: number, steps: FreeSteps, { restful, fairly }: EndOptions): readonly number[] {
  const open = new Int32Array(states);
  for (const from of steps.from) open[from] = at(open, from) + 1;
  for (const state of restful) open[state] = 0;
  const ends: number[] = [];
  for (let state = 0; state < states; state += 1) if (at(open, state) === 0) ends.push(state);
  const { starts, before } = backward(states, steps);
  for (let state = ends.pop(); state !== undefined; state = ends.pop()) {
    for (let index = at(starts, state); index < at(starts, state + 1); index += 1) {
      const earlier = at(before, index);
      if (at(open, earlier) === 0) continue;
      open[earlier] = fairly ? 0 : at(open, earlier) - 1;
      if (at(open, earlier) === 0) ends.push(earlier);
    }
  }
  return Array.from(open.keys()).filter((state) => at(open, state) > 0);
}

/** The steps by their targets: those to state s are `before[starts[s]]` to `before[starts[s + 1] - 1]`. */
function backward(states: number, { from, to }: FreeSteps): { starts: Int32Array; before: Int32Array } {
  const starts = new Int32Array(states + 1);
  for (const target of to) starts[target + 1] = at(starts, target + 1) + 1;
  for (let state = 0; state < states; state += 1) starts[state + 1] = at(starts, state + 1) + at(starts, state);
  const filled = starts.slice();
  const before = new Int32Array(from.length);
  for (const [step, target] of to.entries()) {
    before[at(filled, target)] = at(from, step);
    filled[target] = at(filled, target) + 1;
  }
  return { starts, before };
}

function at(list: ArrayLike<number>, index: number): number {
  return list[index] ?? 0;
}

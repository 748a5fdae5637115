// `assent explore`: the proof run. Explores every state of small worlds over the real machines, and judges each.
import { type Exploration, explore, type World, worldNamed, worlds } from "@assent/simulator";

export interface ExploreCommandOptions {
  readonly json?: boolean;
  /** One world, by its name; all of them otherwise. */
  readonly world?: string;
}

interface Explored extends Exploration {
  readonly seconds: number;
}

/** There is no world of this name. `code` is stable. */
export class NoSuchWorld extends Error {
  readonly code = "no_such_world";

  constructor(name: string) {
    super(`there is no world "${name}"; there are ${worlds.map((world) => `"${world.name}"`).join(", ")}`);
    this.name = "NoSuchWorld";
  }
}

/** The world of a name, or all whose names begin so. @throws {NoSuchWorld} */
function worldsOf(name: string): readonly World[] {
  const exact = worldNamed(name);
  if (exact !== undefined) return [exact];
  const beginning = worlds.filter((world) => world.name.startsWith(name));
  return beginning.length > 0 ? beginning : [noSuchWorld(name)];
}

/** Sets the exit code to 1 when a rule is broken. @throws {NoSuchWorld} */
export function exploreCommand({ json = false, world: name }: ExploreCommandOptions): void {
  const chosen = name === undefined ? worlds : worldsOf(name);
  const explored: Explored[] = [];
  for (const [index, world] of chosen.entries()) {
    if (!json) console.error(`${index + 1}/${chosen.length} ${world.name}: ${world.shows}`);
    const startedAt = performance.now();
    const exploration = explore(world);
    explored.push({ ...exploration, seconds: (performance.now() - startedAt) / 1_000 });
  }
  if (json) console.log(JSON.stringify(explored, null, 2));
  else printExplored(explored);
  if (explored.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
}

function noSuchWorld(name: string): never {
  throw new NoSuchWorld(name);
}

function printExplored(explored: readonly Explored[]): void {
  const widest = Math.max(...explored.map(({ world }) => world.length), "world".length);
  const line = (world: string, numbers: readonly string[]): string =>
    world.padEnd(widest) + numbers.map((number) => number.padStart(13)).join("");
  console.log(line("world", ["states", "transitions", "depth", "seconds"]));
  for (const { world, states, transitions, depth, seconds } of explored) {
    console.log(line(world, [`${states}`, `${transitions}`, `${depth}`, seconds.toFixed(1)]));
  }
  for (const { world, violations } of explored) {
    for (const { rule, text, trace } of violations) {
      console.log(`\nVIOLATION in ${world}: ${rule} ${text}`);
      for (const [step, happened] of trace.entries()) console.log(`${`${step}`.padStart(4)} ${happened}`);
    }
  }
  console.log(`\n${summaryOf(explored)}`);
}

function summaryOf(explored: readonly Explored[]): string {
  const sum = (count: (each: Explored) => number): number => explored.reduce((total, each) => total + count(each), 0);
  const depth = Math.max(...explored.map((each) => each.depth));
  const violations = sum((each) => each.violations.length);
  return (
    `worlds ${explored.length}, states ${sum((each) => each.states)}, ` +
    `transitions ${sum((each) => each.transitions)}, depth ${depth}, violations ${violations}`
  );
}

// `npm run proof -- explore`: explores every state of small worlds with the real state machines, and checks each.
import { type Exploration, explore, type World, worldNamed, worlds } from "@assent/simulator";
import { commandOptions, flagOption, textOption } from "@assent/topology";

const values = commandOptions({
  command: "npm run proof -- explore",
  about:
    "Visits every state of small worlds with the real state machines and checks each. Exit code 1 on any violation.",
  options: {
    world: textOption("name", 'one world, or all whose names begin with this, such as "T1"; default: all'),
    json: flagOption("print the result as JSON"),
  },
});
const chosen = values.world === undefined ? worlds : worldsOf(values.world);
if (chosen.length > 0) exploreAll(chosen);
else {
  const names = worlds.map((world) => `"${world.name}"`).join(", ");
  console.error(`npm run proof -- explore: unknown world "${values.world}". Nothing was started. Worlds: ${names}`);
  process.exitCode = 1;
}

interface Explored extends Exploration {
  readonly seconds: number;
}

/** The world of this name, or all whose names begin with it. */
function worldsOf(name: string): readonly World[] {
  const exact = worldNamed(name);
  if (exact !== undefined) return [exact];
  return worlds.filter((world) => world.name.startsWith(name));
}

function exploreAll(selected: readonly World[]): void {
  const explored: Explored[] = [];
  for (const [index, world] of selected.entries()) {
    if (!values.json) console.error(`${index + 1}/${selected.length} ${world.name}: ${world.shows}`);
    const startedAt = performance.now();
    const exploration = explore(world);
    explored.push({ ...exploration, seconds: (performance.now() - startedAt) / 1_000 });
  }
  if (values.json) console.log(JSON.stringify(explored, null, 2));
  else printExplored(explored);
  if (explored.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
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

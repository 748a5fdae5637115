// `npm run proof -- mutants`: how many seeds of the simulator catch each mutant. Exit code 1 when one is missed.
import { type PlantedBug, plantedBugs, runSeeds, type WorldName, worldNames } from "@assent/scenarios";
import { commandOptions, flagOption, optionalChoice, optionalCount, textOption } from "@assent/topology";
import { availableParallelism } from "node:os";

/** Seeds that each mutant gets until it must have been caught. */
const seedsMax = 10_000;

const values = commandOptions({
  command: "npm run proof -- mutants",
  about: "Applies each mutant to the sources, and counts the seeds of the simulator until it is caught.",
  options: {
    only: textOption("id", "one mutant; left out, all of them"),
    world: optionalChoice(worldNames, "only this world of each seed"),
    threads: optionalCount("threads; left out, one for each processor"),
    json: flagOption("print the result as JSON"),
  },
});
process.exitCode = await runMutants(values);

interface MutantSettings {
  readonly only: string | undefined;
  readonly world: WorldName | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
}

async function runMutants({ only, threads, world, json }: MutantSettings): Promise<number> {
  const bugs = only === undefined ? plantedBugs : plantedBugs.filter(({ id }) => id === only);
  if (bugs.length === 0) {
    const names = plantedBugs.map(({ id }) => id).join(", ");
    console.error(`npm run proof -- mutants: there is no mutant ${only}. Nothing was started. There are: ${names}`);
    return 1;
  }
  const results: { id: string; rule: string; seeds: number; caughtBy: string | undefined }[] = [];
  for (const bug of bugs) {
    const result = await seedsUntilCaught(bug, {
      world: world ?? bug.world,
      threads: threads ?? availableParallelism(),
    });
    results.push({ id: bug.id, rule: bug.rule, ...result });
    if (json) continue;
    const verdict = result.caughtBy === undefined ? "MISSED after" : "caught after";
    console.log(`${verdict} ${String(result.seeds).padStart(5)} seeds  ${bug.rule.padEnd(3)} ${bug.id}: ${bug.what}`);
  }
  const caught = results.filter(({ caughtBy }) => caughtBy !== undefined);
  const soon = caught.filter(({ seeds }) => seeds <= 100);
  if (json) console.log(JSON.stringify(results, null, 2));
  else console.log(`mutants ${results.length}, caught ${caught.length}, within 100 seeds ${soon.length}`);
  return caught.length === results.length ? 0 : 1;
}

async function seedsUntilCaught(
  { id }: PlantedBug,
  { threads, world }: { readonly threads: number; readonly world: WorldName | undefined },
): Promise<{ seeds: number; caughtBy: string | undefined }> {
  let seeds = 0;
  let caughtBy: string | undefined;
  await runSeeds({
    threads,
    firstSeed: 1,
    count: seedsMax,
    planted: id,
    ...(world !== undefined && { world }),
    onResult({ violations }) {
      seeds += 1;
      caughtBy = violations[0]?.rule;
      return caughtBy !== undefined;
    },
  });
  return { seeds, caughtBy };
}

// `npm run proof -- mutants`: how many seeds of the simulator catch each mutant. Exit code 1 if one is missed.
import { type Mutant, simulatedMutants, runSeeds, type WorldName, worldNames } from "@assent/scenarios";
import { commandOptions, flagOption, optionalChoice, optionalCount, textOption } from "@assent/topology";
import { availableParallelism } from "node:os";

/** Number of seeds within which each mutant must be caught. */
const seedsMax = 10_000;

const values = commandOptions({
  command: "npm run proof -- mutants",
  about: "Applies each mutant to the sources and counts the simulator seeds until it is caught.",
  options: {
    only: textOption("id", "one mutant; default: all"),
    world: optionalChoice(worldNames, "only this world of each seed"),
    threads: optionalCount("threads; default: one for each processor"),
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
  const mutants = only === undefined ? simulatedMutants : simulatedMutants.filter(({ id }) => id === only);
  if (mutants.length === 0) {
    const names = simulatedMutants.map(({ id }) => id).join(", ");
    console.error(`npm run proof -- mutants: unknown mutant ${only}. Nothing was started. Known mutants: ${names}`);
    return 1;
  }
  const results: { id: string; rule: string; seeds: number; caughtBy: string | undefined }[] = [];
  for (const mutant of mutants) {
    const result = await seedsUntilCaught(mutant, {
      world: world ?? mutant.world,
      threads: threads ?? availableParallelism(),
    });
    results.push({ id: mutant.id, rule: mutant.rule, ...result });
    if (json) continue;
    const verdict = result.caughtBy === undefined ? "MISSED after" : "caught after";
    const seedCount = String(result.seeds).padStart(5);
    console.log(`${verdict} ${seedCount} seeds  ${mutant.rule.padEnd(3)} ${mutant.id}: ${mutant.what}`);
  }
  const caught = results.filter(({ caughtBy }) => caughtBy !== undefined);
  const soon = caught.filter(({ seeds }) => seeds <= 100);
  if (json) console.log(JSON.stringify(results, null, 2));
  else console.log(`mutants ${results.length}, caught ${caught.length}, within 100 seeds ${soon.length}`);
  return caught.length === results.length ? 0 : 1;
}

async function seedsUntilCaught(
  { id }: Mutant,
  { threads, world }: { readonly threads: number; readonly world: WorldName | undefined },
): Promise<{ seeds: number; caughtBy: string | undefined }> {
  let seeds = 0;
  let caughtBy: string | undefined;
  await runSeeds({
    threads,
    firstSeed: 1,
    count: seedsMax,
    mutant: id,
    ...(world !== undefined && { world }),
    onResult({ violations }) {
      seeds += 1;
      caughtBy = violations[0]?.rule;
      return caughtBy !== undefined;
    },
  });
  return { seeds, caughtBy };
}

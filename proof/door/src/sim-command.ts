// `npm run proof -- sim`: runs seeds in the simulator, or one seed in full.
import {
  type RunReport,
  runSeeds,
  type SeedResult,
  simulate,
  type WorldName,
  worldNames,
  worldsOf,
} from "@assent/scenarios";
import { type Fault, faultText, minimised } from "@assent/simulator";
import { commandOptions, countOption, flagOption, optionalChoice, optionalCount } from "@assent/topology";
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";

/** Number of runs for minimizing the plan of a failing seed. */
const minimisingRunsMax = 60;
const baseMax = 2 ** 31;
const progressEvery = 500;
const values = commandOptions({
  command: "npm run proof -- sim",
  about: "Runs the checkout system in the simulator. Exit code 1 on any violation.",
  options: {
    seeds: countOption(2_000, "number of seeds"),
    base: optionalCount("the first seed; default: a random one, which is printed"),
    seed: optionalCount("run one seed in full, with a minimal failing plan of faults"),
    world: optionalChoice(
      worldNames,
      "only this world of each seed; default: a storm each, every tenth also lifetimes",
    ),
    threads: optionalCount("threads; default: one for each processor"),
    json: flagOption("print the result as JSON"),
  },
});
process.exitCode = await (values.seed === undefined ? simMany(values) : simSeed(values.seed, values));

interface SimSettings {
  readonly seeds: number;
  readonly base: number | undefined;
  readonly world: WorldName | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
}

async function simMany({ seeds, base, world, threads, json }: SimSettings): Promise<number> {
  const firstSeed = base ?? randomInt(baseMax);
  const sum = { seeds: 0, violations: 0, transactions: 0, faults: 0 };
  const failed: SeedResult[] = [];
  if (!json) console.log(`seeds ${firstSeed} to ${firstSeed + seeds - 1}`);
  await runSeeds({
    threads: threads ?? availableParallelism(),
    firstSeed,
    count: seeds,
    ...(world !== undefined && { world }),
    onResult(result) {
      sum.seeds += 1;
      sum.violations += result.violations.length;
      sum.transactions += result.transactions;
      sum.faults += result.faults;
      if (result.violations.length > 0) failed.push(result);
      if (!json && sum.seeds % progressEvery === 0) console.log(`  ${sum.seeds} of ${seeds}`);
      return false;
    },
  });
  if (json) console.log(JSON.stringify({ firstSeed, ...sum, failed }, null, 2));
  else {
    for (const { seed, violations } of failed) {
      console.log(`seed ${seed}: ${violations.map(({ rule, text }) => `${rule} ${text}`).join("; ")}`);
      console.log(`  npm run proof -- sim --seed ${seed}${world === undefined ? "" : ` --world ${world}`}`);
    }
    console.log(
      `seeds ${sum.seeds}, violations ${sum.violations}, transactions ${sum.transactions}, ` +
        `faults injected ${sum.faults}`,
    );
  }
  return sum.violations > 0 ? 1 : 0;
}

/** Runs one seed: each of its worlds, or only one. */
async function simSeed(seed: number, { world, json }: Pick<SimSettings, "world" | "json">): Promise<number> {
  let code = 0;
  for (const each of world === undefined ? worldsOf(seed) : [world]) code += await simOne(seed, each, json);
  return code > 0 ? 1 : 0;
}

/** Its plan, minimized if it fails, and the events of each affected transaction. */
async function simOne(seed: number, world: WorldName, json: boolean): Promise<number> {
  const whole = await simulate({ seed, world, keepTrace: true });
  const { protocol, shape, slots, orders, items, users, skewMs } = whole.swarm;
  const system = { world, protocol, shape, slots, orders, items, users, skewMs };
  if (!json) console.log(`seed ${seed}: ${JSON.stringify(system)}`);
  const isClean = whole.violations.length === 0;
  const faults = isClean ? whole.swarm.faults : await smallestPlan({ seed, world }, whole.swarm.faults);
  const report = isClean ? whole : await simulate({ seed, world, faults, keepTrace: true });
  const { violations, transactions, traceHash } = report;
  if (json) {
    console.log(JSON.stringify({ seed, system, faults, violations, transactions, traceHash }, null, 2));
  } else {
    if (!isClean) console.log(`the plan had ${whole.swarm.faults.length} faults; these are enough:`);
    printPlan(faults);
    if (isClean) console.log(`no violation; ${transactions} transactions, trace ${traceHash}`);
    else printTimelines(report);
  }
  return isClean ? 0 : 1;
}

function smallestPlan(run: { seed: number; world: WorldName }, plan: readonly Fault[]): Promise<readonly Fault[]> {
  const fails = async (faults: readonly Fault[]): Promise<boolean> =>
    (await simulate({ ...run, faults })).violations.length > 0;
  return minimised(plan, fails, minimisingRunsMax);
}

function printPlan(faults: readonly Fault[]): void {
  for (const fault of faults) console.log(`  ${faultText(fault)}`);
}

function printTimelines({ violations, trace }: RunReport): void {
  const lines = violations.map(({ rule, text, txId }) => `violation ${rule}: ${text} ${txId ?? ""}`);
  for (const line of new Set(lines)) console.log(line);
  const concerned = new Set(violations.flatMap(({ txId }) => txId ?? []));
  for (const txId of concerned) {
    console.log(`\n${txId}`);
    for (const line of trace) if (line.includes(txId) || line.includes(" ! ")) console.log(`  ${line}`);
  }
}

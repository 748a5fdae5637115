// `assent sim`: seeds through the simulator, one seed told in full, or the planted bugs that it must catch.
import {
  type PlantedBug,
  plantedBugs,
  type RunReport,
  runSeeds,
  type SeedResult,
  simulate,
  type WorldName,
  worldsOf,
} from "@assent/scenarios";
import { type Fault, faultText, minimised } from "@assent/simulator";
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";

export interface SimSettings {
  readonly seeds: number;
  readonly base: number | undefined;
  readonly seed: number | undefined;
  readonly planted: string | undefined;
  readonly world: WorldName | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
}

/** Runs of a failing seed that may be spent on making its plan smaller. */
const minimisingRunsMax = 60;
const baseMax = 2 ** 31;
const progressEvery = 500;
/** Seeds that each planted bug gets until it must have been caught. */
const plantedSeedsMax = 10_000;

/** Answers the exit code: 1 on any violation, or on a planted bug that was missed. */
export async function sim(settings: SimSettings): Promise<number> {
  if (settings.planted !== undefined) return simPlanted(settings, settings.planted);
  if (settings.seed !== undefined) return simSeed(settings.seed, settings);
  return simMany(settings);
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
      console.log(`  npx assent sim --seed ${seed}${world === undefined ? "" : ` --world ${world}`}`);
    }
    console.log(
      `seeds ${sum.seeds}, violations ${sum.violations}, transactions ${sum.transactions}, ` +
        `faults injected ${sum.faults}`,
    );
  }
  return sum.violations > 0 ? 1 : 0;
}

/** One seed: in each of its worlds, or in one. */
async function simSeed(seed: number, { world, json }: SimSettings): Promise<number> {
  let code = 0;
  for (const each of world === undefined ? worldsOf(seed) : [world]) code += await simOne(seed, each, json);
  return code > 0 ? 1 : 0;
}

/** Its plan, made smaller where it fails, and what happened to each transaction concerned. */
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

async function simPlanted({ threads, world, json }: SimSettings, which: string): Promise<number> {
  const bugs = which === "all" ? plantedBugs : plantedBugs.filter(({ id }) => id === which);
  if (bugs.length === 0) {
    console.error(
      `assent: there is no planted bug ${which}. There are: all, ${plantedBugs.map(({ id }) => id).join(", ")}`,
    );
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
  else console.log(`planted ${results.length}, caught ${caught.length}, within 100 seeds ${soon.length}`);
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
    count: plantedSeedsMax,
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

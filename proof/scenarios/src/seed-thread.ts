// Worker thread that runs simulation seeds. A mutant, if there is one, is applied before the simulation is imported.
import type { Violation } from "@assent/simulator";
import { parentPort, workerData } from "node:worker_threads";
import { applyMutant } from "./mutants/apply-mutant.ts";
import { simulatedMutants } from "./mutants/simulated-mutants.ts";
import { type WorldName, worldsOf } from "./swarm.ts";

export interface SeedThreadData {
  readonly mutant?: string;
  /** Run only this world of each seed, including seeds that have a second world. */
  readonly world?: WorldName;
}

/** The result of one seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly transactions: number;
  readonly faults: number;
}

if (parentPort === null) throw new Error("seed-thread runs as a worker");
const port = parentPort;
const { mutant: mutantId, world: only } = workerData as SeedThreadData;
const mutant = simulatedMutants.find(({ id }) => id === mutantId);
const checkLoaded = mutant === undefined ? undefined : applyMutant(mutant);
const { simulate } = await import("./simulate.ts");
checkLoaded?.();

/** Unhandled rejections. In production they would end the process. */
let unhandled: Violation[] = [];
process.on("unhandledRejection", (error) => {
  unhandled.push({ rule: "invariant", text: `unhandled rejection: ${String(error)}` });
});

port.on("message", (seed: number) => {
  void run(seed).then((result) => port.postMessage(result));
});

async function run(seed: number): Promise<SeedResult> {
  const sum = { seed, violations: new Array<Violation>(), transactions: 0, faults: 0 };
  unhandled = sum.violations;
  for (const world of only === undefined ? worldsOf(seed) : [only]) {
    try {
      const { violations, transactions, faults } = await simulate({ seed, world });
      sum.violations.push(...violations);
      sum.transactions += transactions;
      sum.faults += faults;
    } catch (error) {
      sum.violations.push({ rule: "invariant", text: `the run threw: ${String(error)}` });
    }
  }
  return sum;
}

// A thread that runs seeds, with or without a planted bug. The world is imported only when the bug is planted.
import type { Violation } from "@assent/simulator";
import { parentPort, workerData } from "node:worker_threads";
import { plant } from "./planted/plant.ts";
import { plantedBugs } from "./planted/planted-bugs.ts";
import { type WorldName, worldsOf } from "./swarm.ts";

export interface SeedThreadData {
  readonly planted?: string;
  /** Only this world of each seed, and of seeds that have it beside another one, too. */
  readonly world?: WorldName;
}

/** What a thread says of one seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly transactions: number;
  readonly faults: number;
}

if (parentPort === null) throw new Error("seed-thread runs as a worker");
const port = parentPort;
const { planted, world: only } = workerData as SeedThreadData;
const bug = plantedBugs.find(({ id }) => id === planted);
const checkPlanted = bug === undefined ? undefined : plant(bug);
const { simulate } = await import("./simulate.ts");
checkPlanted?.();

/** Errors that nobody awaited: in production they end the process. */
let strays: Violation[] = [];
process.on("unhandledRejection", (error) => {
  strays.push({ rule: "invariant", text: `nobody handled: ${String(error)}` });
});

port.on("message", (seed: number) => {
  void run(seed).then((result) => port.postMessage(result));
});

async function run(seed: number): Promise<SeedResult> {
  const sum = { seed, violations: new Array<Violation>(), transactions: 0, faults: 0 };
  strays = sum.violations;
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

// A thread that runs seeds, with or without a planted bug. The world is imported only when the bug is planted.
import type { Violation } from "@assent/simulator";
import { parentPort, workerData } from "node:worker_threads";
import { plant } from "./planted/plant.ts";
import { plantedBugs } from "./planted/planted-bugs.ts";

export interface SeedThreadData {
  readonly planted?: string;
}

/** What a thread says of one seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly transactions: number;
  readonly faults: number;
  readonly traceHash: string;
}

if (parentPort === null) throw new Error("seed-thread runs as a worker");
const port = parentPort;
const { planted } = workerData as SeedThreadData;
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
  strays = [];
  try {
    const { violations, transactions, faults, traceHash } = await simulate({ seed });
    return { seed, violations: [...violations, ...strays], transactions, faults, traceHash };
  } catch (error) {
    const thrown: Violation = { rule: "invariant", text: `the run threw: ${String(error)}` };
    return { seed, violations: [...strays, thrown], transactions: 0, faults: 0, traceHash: "" };
  }
}

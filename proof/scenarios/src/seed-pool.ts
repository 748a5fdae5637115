// Runs seeds on several threads. Results are reported in the order of the seeds, whichever thread finishes first.
import { Worker } from "node:worker_threads";
import type { SeedResult, SeedThreadData } from "./seed-thread.ts";
import type { WorldName } from "./swarm.ts";

export interface PoolOptions {
  readonly threads: number;
  readonly firstSeed: number;
  readonly count: number;
  readonly mutant?: string;
  /** Only this world of each seed. */
  readonly world?: WorldName;
  /** Stops the run when it returns true. */
  readonly onResult: (result: SeedResult) => boolean;
}

export async function runSeeds(options: PoolOptions): Promise<void> {
  const { threads, firstSeed, count, mutant, world, onResult } = options;
  const workerData: SeedThreadData = {
    ...(mutant !== undefined && { mutant }),
    ...(world !== undefined && { world }),
  };
  const waiting = new Map<number, SeedResult>();
  let nextToRun = firstSeed;
  let nextToReport = firstSeed;
  let stopped = false;
  const report = (result: SeedResult): void => {
    waiting.set(result.seed, result);
    for (let ready = waiting.get(nextToReport); ready !== undefined && !stopped; ready = waiting.get(nextToReport)) {
      waiting.delete(nextToReport);
      nextToReport += 1;
      stopped = onResult(ready);
    }
  };
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL("./seed-thread.ts", import.meta.url), { workerData });
    try {
      while (!stopped && nextToRun < firstSeed + count) {
        const seed = nextToRun;
        nextToRun += 1;
        report(await runOn(worker, seed));
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, count) }, work));
}

function runOn(worker: Worker, seed: number): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(error instanceof Error ? error : new Error(String(error)));
    worker.once("error", failed);
    worker.once("message", (result: SeedResult) => {
      worker.off("error", failed);
      resolve(result);
    });
    worker.postMessage(seed);
  });
}

// Runs seeds on several threads. Results come in the order of the seeds, whatever thread was faster.
import { Worker } from "node:worker_threads";
import type { SeedResult, SeedThreadData } from "./seed-thread.ts";
import type { WorldName } from "./swarm.ts";

export interface PoolOptions {
  readonly threads: number;
  readonly firstSeed: number;
  readonly count: number;
  readonly planted?: string;
  /** Only this world of each seed. */
  readonly world?: WorldName;
  /** Stops the run when it answers true. */
  readonly onResult: (result: SeedResult) => boolean;
}

export async function runSeeds(options: PoolOptions): Promise<void> {
  const { threads, firstSeed, count, planted, world, onResult } = options;
  const workerData: SeedThreadData = {
    ...(planted !== undefined && { planted }),
    ...(world !== undefined && { world }),
  };
  const waiting = new Map<number, SeedResult>();
  let nextToRun = firstSeed;
  let nextToTell = firstSeed;
  let stopped = false;
  const tell = (result: SeedResult): void => {
    waiting.set(result.seed, result);
    for (let ready = waiting.get(nextToTell); ready !== undefined && !stopped; ready = waiting.get(nextToTell)) {
      waiting.delete(nextToTell);
      nextToTell += 1;
      stopped = onResult(ready);
    }
  };
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL("./seed-thread.ts", import.meta.url), { workerData });
    try {
      while (!stopped && nextToRun < firstSeed + count) {
        const seed = nextToRun;
        nextToRun += 1;
        tell(await runOn(worker, seed));
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

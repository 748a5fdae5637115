// Runs a test in many worlds, each with other faults at other places, until one fails.
import type { AnyTransaction } from "../api/transaction.ts";
import { DrawnFaults } from "./faults.ts";
import { SeededRandom } from "./seeded-random.ts";
import { TestWorld, type TestWorldOptions } from "./test-world.ts";

export interface ExploreOptions<T extends AnyTransaction> extends Omit<TestWorldOptions<T>, "seed"> {
  /** How many worlds. */
  readonly seeds: number;
  /** The first seed; left out, 1. */
  readonly from?: number;
}

/** A world failed; what it failed with is the `cause`. `code` is stable. */
export class ExplorationFailed extends Error {
  readonly code = "exploration_failed";
  readonly seed: number;
  /** What struck in that world, oldest first. */
  readonly faults: readonly string[];

  constructor(seed: number, faults: readonly string[], cause: unknown) {
    const list = faults.map((fault) => `\n  ${fault}`).join("");
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed} failed: ${why}\nfaults: ${list || "none"}\nfor this one alone: { seeds: 1, from: ${seed} }`, {
      cause,
    });
    this.name = "ExplorationFailed";
    this.seed = seed;
    this.faults = faults;
  }
}

/**
 * Gives `examine` a new world for each seed, in which handlers refuse and fail, answers are lost, commands are late and
 * the coordinator crashes. After it, everything has to end, with every transaction on one side.
 * @throws {ExplorationFailed} for the first seed that fails
 */
export async function explore<T extends AnyTransaction>(
  { seeds, from = 1, ...options }: ExploreOptions<T>,
  examine: (world: TestWorld<T>) => Promise<void>,
): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const random = new SeededRandom(seed);
    const world = new TestWorld({ ...options, random, drawn: new DrawnFaults(random) });
    try {
      await examine(world);
      await world.settled();
      await world.assertAtomic();
      await world.close();
    } catch (cause) {
      throw new ExplorationFailed(seed, world.faults, cause);
    }
  }
}

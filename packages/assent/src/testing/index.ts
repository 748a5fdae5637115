/** Transactions tested in virtual time, with faults. @module */
export type { WorldBranch } from "./branch-book.ts";
export { explore, ExplorationFailed, type ExploreOptions } from "./explore.ts";
export type { CrashPoint, FaultOptions } from "./faults.ts";
export { SeededRandom } from "./seeded-random.ts";
export { type TestWorld, testWorld, type TestWorldOptions } from "./test-world.ts";
export { NotAtomic, NotSettled } from "./verdicts.ts";
export { VirtualClock } from "./virtual-clock.ts";

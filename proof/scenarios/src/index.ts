/** The checkout system inside the simulator. @module */
export { patched, type Mutant } from "./mutants/apply-mutant.ts";
export { simulatedMutants } from "./mutants/simulated-mutants.ts";
export * from "./seed-pool.ts";
export type { SeedResult } from "./seed-thread.ts";
export * from "./simulate.ts";
export { type Swarm, type WorldName, worldNames, worldsOf } from "./swarm.ts";

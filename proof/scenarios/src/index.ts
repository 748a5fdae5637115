/** The checkout system inside the simulator. @module */
export { patched, type PlantedBug } from "./planted/plant.ts";
export { plantedBugs } from "./planted/planted-bugs.ts";
export * from "./seed-pool.ts";
export type { SeedResult } from "./seed-thread.ts";
export * from "./simulate.ts";
export { type Swarm, type WorldName, worldNames, worldsOf } from "./swarm.ts";

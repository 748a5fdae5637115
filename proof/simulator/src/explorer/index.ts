/** Exhaustive exploration of small worlds. @module */
export { explore, type Exploration, WorldTooLarge } from "./explore.ts";
export { type Machines, realMachines } from "./machines.ts";
export type { BranchPlan, Budgets, Vote, World } from "./world.ts";
export { quickWorlds, worldNamed, worlds, worldsBeyond } from "./worlds.ts";

/** The checkout system inside the simulator. @module */
export * from "./simulate.ts";
export { stormMs, type Swarm } from "./swarm.ts";

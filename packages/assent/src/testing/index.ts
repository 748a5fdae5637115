/** Transactions tested in virtual time, with faults. @module */
export { SeededRandom } from "./seeded-random.ts";
export { VirtualClock } from "./virtual-clock.ts";

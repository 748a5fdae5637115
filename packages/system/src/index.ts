/** The ports of time and chance as this machine has them. @module */
export * from "./system-clock.ts";
export * from "./system-random.ts";

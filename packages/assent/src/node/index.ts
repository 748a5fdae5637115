/** The ports of time and chance as this machine has them, and what a process does at rest. @module */
export * from "./memory.ts";
export * from "./rest.ts";
export * from "./system-clock.ts";
export * from "./system-random.ts";

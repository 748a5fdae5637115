/** The key-value engine in memory (durability D0). @module */
export * from "./memory-engine.ts";

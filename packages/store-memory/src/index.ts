/** The key-value engine in memory (durability D0), and stores over it. @module */
export * from "./memory-engine.ts";
export * from "./memory-store.ts";

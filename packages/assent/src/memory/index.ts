/** Engine, stores and transport in memory (durability D0). @module */
export * from "./memory-engine.ts";
export * from "./memory-store.ts";
export * from "./memory-transport.ts";

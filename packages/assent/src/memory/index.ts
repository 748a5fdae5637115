/** Engine, stores, database, transport and bus in memory (durability D0). @module */
export { memory, type MemoryDatabase } from "./memory.ts";
export * from "./memory-bus.ts";
export * from "./memory-engine.ts";
export * from "./memory-store.ts";
export * from "./memory-transport.ts";

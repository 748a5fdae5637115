/** Distributed transactions for TypeScript services: define, run, take part, recover. @module */
export * from "./coordinator/index.ts";
export * from "./participant/index.ts";
export * from "./ports/index.ts";

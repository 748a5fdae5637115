/** Distributed transactions for TypeScript services: declare, take part, coordinate. @module */
export * from "./api/index.ts";
export { InvalidDefinition } from "./coordinator/definition.ts";
export { InvalidInput } from "./coordinator/standard-schema.ts";
export type { ServiceStore } from "./participant/service-store.ts";
export type { Bus } from "./ports/bus.ts";
export type { CoordinatorStore } from "./ports/coordinator-store.ts";
export type { Observation } from "./ports/observer.ts";

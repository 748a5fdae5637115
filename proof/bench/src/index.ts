/** Load on a running checkout system. @module */
export * from "./closed-loop.ts";
export * from "./course-scenario.ts";
export * from "./crash-proof.ts";
export * from "./fault-matrix.ts";
export * from "./faulty-systems.ts";
export * from "./keep-alive-client.ts";
export * from "./process-cpu.ts";
export { untilQuiet } from "./shop-books.ts";

/** The keyed stores over a server that speaks the Redis protocol, shared by several processes. @module */
export * from "./executor-options.ts";
export * from "./read-tables.ts";
export * from "./redis-client-port.ts";
export * from "./redis-executor.ts";
export * from "./redis-limits.ts";
export * from "./redis-port.ts";
export * from "./sentinel-connect.ts";
export { MasterUnknown, type ServerAddress } from "./sentinel-directory.ts";
export { type ServerState, ServerUnreachable } from "./server-connection.ts";
export { UnsuitableServer } from "./server-probe.ts";

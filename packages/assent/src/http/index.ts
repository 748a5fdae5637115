/** Commands and questions over HTTP, without a broker: a transport, and a handler for any server. @module */
export * from "./http-handler.ts";
export * from "./http-transport.ts";
export * from "./node-listener.ts";
export type { HttpCredentials } from "./seal.ts";

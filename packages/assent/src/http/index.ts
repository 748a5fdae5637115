/** A bus over HTTP, without a broker. @module */
export { http, type HttpBus, type HttpBusOptions } from "./http-bus.ts";
export { HttpUnanswered } from "./http-transport.ts";
export type { NodeListener, NodeRequest, NodeResponse } from "./node-listener.ts";
export type { HttpCredentials } from "./seal.ts";

/** Commands over NATS JetStream or core NATS, replies on one subject per process. @module */
export { BusRequests, type RequestHandler } from "./bus-requests.ts";
export type { Endpoint, WorkCounts } from "./command-worker.ts";
export { NatsUnavailable } from "./connection.ts";
export { MessageNotStored } from "./dispatch.ts";
export { InstanceSilent } from "./instance-directory.ts";
export * from "./limits.ts";
export { nats, type NatsOptions } from "./nats.ts";
export * from "./nats-bus.ts";
export type { Serving, ServingStatus } from "./serving.ts";
export type { StreamStorage } from "./stream-setup.ts";
export * from "./subjects.ts";

/** Real servers for tests and local topologies: obtains their binaries, starts and stops them. @module */
export * from "./free-port.ts";
export * from "./haproxy.ts";
export * from "./nats.ts";
export * from "./port-choice.ts";
export * from "./postgres.ts";
export * from "./private-folder.ts";
export * from "./read-only-folder.ts";
export * from "./redis.ts";
export * from "./redis-conversation.ts";
export * from "./replica-set.ts";
export * from "./sentinel.ts";
export * from "./server-binary.ts";
export * from "./server-process.ts";
export * from "./socket-conversation.ts";

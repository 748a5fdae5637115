/** Commands between services of one process, as encoded bytes through the real codec. @module */
export * from "./memory-transport.ts";

/** The keyed stores over a server that speaks the Redis protocol. @module */
export {};

// How much the databases of a topology keep, and for how long.

/** For each server. A server without room refuses a write and changes nothing. */
export const memoryBytesMax = 2_147_483_648;

/** `maxAgeMs` of every instance: an outcome is kept for 4 × this time. No message of a topology lives that long. */
export const maxAgeMs = 600_000;

// Size limits and lifetimes of the data in the databases of a topology.

/** For each server. A full server refuses a write and changes nothing. */
export const memoryBytesMax = 2_147_483_648;

/** `maxAgeMs` of every instance: an outcome is kept for 4 × this time. No message of a topology lives that long. */
export const maxAgeMs = 600_000;

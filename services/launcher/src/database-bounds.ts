// How long and how much the databases of a topology keep.

/** Of each server. What it has no room for it refuses, having changed nothing. */
export const memoryBytesMax = 2_147_483_648;

/** `maxAgeMs` of every instance: an outcome is kept for four of these. No message of a topology lives for so long. */
export const maxAgeMs = 600_000;

// How much memory each database of a topology may keep. What it has no room for it refuses, having changed nothing.

/** 2 GiB: of the log, for 40 minutes, more than 300 checkouts a second (docs/reference/local-topology.md). */
export const memoryBytesMax = 2_147_483_648;

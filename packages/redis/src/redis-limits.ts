// The limits of this store, and their relations.
import { defaultLimits, invariant } from "assent/internal/protocol";

/** Number of tries before a step fails because of conflicts, changing nothing. */
export const attemptsMax = 256;
/** How far the time of a step may be from the server's. A round that arrives later is refused as a whole. */
export const storeTimeErrorMaxMs = 500;
/** Reads that a batch does together; steps with more continue alone, and delay no others. */
export const sharedReadingsMax = 3;
/** Most reads of one step. */
export const readingsMax = 10_000;
/** How long replicas may take to acknowledge a round. */
export const replicaWaitMs = 1_000;
/** How long all of them are awaited if fewer may be enough. */
export const allReplicasWaitMs = 200;
/** How long sentinels may take to finish a promotion, and how often they are asked about it. */
export const unsettledMaxMs = 2_000;
export const askAgainMs = 50;
/** How long a missing one is not awaited. */
export const missingReplicaMs = 1_000;
/** Records that one step may touch: all of them travel in one command, whose size a server limits. */
export const recordsPerStepMax = 100_000;
/** Once a batch touches this many records, the remaining steps wait: a server runs one script at a time. */
export const recordsPerBatchMax = 16_384;
/** Rows read beyond the requested ones, because other steps of the batch may have deleted as many. */
export const rangeSlack = 16;
/** Records that a process caches by default. */
export const cachedRecordsMax = 65_536;
/** How long a record counts as contended after a conflict with another process. */
export const contendedMs = 1_000;
/** Most contended records remembered. */
export const contendedMax = 4_096;
/** How long a connection may take to open. */
export const connectMaxMs = 2_000;
/** How long replies may take before the connection is given up. */
export const replyMaxMs = 5_000;
/** How long steps wait for a server that cannot be reached, or takes no writes, before they fail. */
export const unreachableMaxMs = 2_000;
/** The same if sentinels promote another server meanwhile. */
export const failoverMaxMs = 7_000;
/** How long a connection to a sentinel may take to open, and its answers to come. */
export const sentinelConnectMs = 500;
export const sentinelReplyMs = 500;
/** The same for a single task, which no transaction waits for. */
export const sentinelBriefMs = 5_000;
/** How often sentinels are asked for the master, in addition to their announcements. */
export const reconcileEveryMs = 1_000;
/** How often a server's settings are checked. */
export const probeEveryMs = 1_000;
/** At least this long between two attempts to connect. */
export const reconnectPauseMs = 100;

invariant(storeTimeErrorMaxMs <= defaultLimits.clockSkewMs, "P7", "store time is a clock within the skew");
invariant(failoverMaxMs < defaultLimits.phaseOneDeadlineMs, "C6", "a failover is over before silence decides");
invariant(sentinelConnectMs + sentinelReplyMs <= reconcileEveryMs, "R6", "a query is finished before the next one");
invariant(allReplicasWaitMs < missingReplicaMs, "M4", "a missing replica delays few rounds");
invariant(replicaWaitMs < replyMaxMs, "M4", "a low count arrives before the connection is given up");
invariant(recordsPerBatchMax <= recordsPerStepMax, "M4", "the limit of a batch is not above that of a step");

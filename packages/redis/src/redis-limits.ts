// The limits of this store, and what holds between them.
import { defaultLimits, invariant } from "assent/internal/protocol";

/** Times that a step is tried before it fails, changing nothing, because others were always faster. */
export const attemptsMax = 256;
/** How far the time a step was given may be from the server's. A round that arrives later is refused as a whole. */
export const storeTimeErrorMaxMs = 500;
/** Readings that a batch does together; steps that need more go on alone, and hold up nobody. */
export const sharedReadingsMax = 3;
/** Readings for one step at most. */
export const readingsMax = 10_000;
/** How long replicas may take to acknowledge a round. */
export const replicaWaitMs = 1_000;
/** How long all of them are waited for where fewer may be enough. */
export const allReplicasWaitMs = 200;
/** How long sentinels may take to be done with a promotion, and how often they are asked about it. */
export const unsettledMaxMs = 2_000;
export const askAgainMs = 50;
/** How long one that is missing is not waited for. */
export const missingReplicaMs = 1_000;
/** Records that one step may touch: all of them travel in one command, which a server takes only so long. */
export const recordsPerStepMax = 100_000;
/** Once a batch touches this many records, the steps that are left wait: a server runs one script at a time. */
export const recordsPerBatchMax = 16_384;
/** Rows read beyond those that were asked for: as many may other steps of the batch have deleted. */
export const rangeSlack = 16;
/** Records that a process keeps in mind, unless told otherwise. */
export const cachedRecordsMax = 65_536;
/** How long a record counts as contended after somebody else's change of it was in the way. */
export const contendedMs = 1_000;
/** Contended records remembered at most. */
export const contendedMax = 4_096;
/** How long a connection may take to open. */
export const connectMaxMs = 2_000;
/** How long replies may take before the connection is given up. */
export const replyMaxMs = 5_000;
/** How long steps wait for a server that cannot be reached, or takes no writes, before they fail. */
export const unreachableMaxMs = 2_000;
/** The same where sentinels promote another server meanwhile. */
export const failoverMaxMs = 7_000;
/** How long a connection to a sentinel may take to open, and its answers to come. */
export const sentinelConnectMs = 500;
export const sentinelReplyMs = 500;
/** How often sentinels are asked where the master is, besides being listened to. */
export const reconcileEveryMs = 1_000;
/** How often a server is asked whether it still promises what it did. */
export const probeEveryMs = 1_000;
/** At least this long between two attempts to connect. */
export const reconnectPauseMs = 100;

invariant(storeTimeErrorMaxMs <= defaultLimits.clockSkewMs, "P7", "store time is a clock within the skew");
invariant(failoverMaxMs < defaultLimits.phaseOneDeadlineMs, "C6", "a failover is over before silence decides");
invariant(sentinelConnectMs + sentinelReplyMs <= reconcileEveryMs, "R6", "an inquiry is over before the next one");
invariant(allReplicasWaitMs < missingReplicaMs, "M4", "a replica that is gone holds up few rounds");
invariant(replicaWaitMs < replyMaxMs, "M4", "a short count is heard before the connection is given up");
invariant(recordsPerBatchMax <= recordsPerStepMax, "M4", "what one step may touch, a batch may");

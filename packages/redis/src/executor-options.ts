// The options of an executor over a server, and its counters.
import type { Clock, Random } from "assent/internal/ports";
import type { BoundOperations } from "assent/internal/engine";
import type { RedisConnect } from "./redis-port.ts";

export interface RedisExecutorOptions {
  readonly connect: RedisConnect;
  /**
   * Prefix of all keys, and their hash tag: stores on one server have different prefixes, processes of a store share
   * one.
   */
  readonly prefix: string;
  readonly operations: BoundOperations;
  /** Number of replicas that may be promoted, all of which must acknowledge a round before it is answered (D2). */
  readonly replicas?: number;
  /** This many are enough while all sentinels report that no promotion is in progress; default: all. */
  readonly replicasLeast?: number;
  /** How long steps wait for a server before they fail without a change; default: 2 s. */
  readonly unreachableMaxMs?: number;
  readonly cachedRecordsMax?: number;
  /** Store time instead of the server's, for tests. It is not checked. */
  readonly now?: () => number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Requests of a process to its server since the store was opened. */
export interface RoundCounts {
  /** Rounds that verified, and wrote if necessary. */
  rounds: number;
  readings: number;
  steps: number;
  /** Steps that ran again because a cached record was stale. */
  conflicts: number;
  /** Rounds that the server refused because their time was off. */
  late: number;
}

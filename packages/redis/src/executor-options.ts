// What an executor over a server is given, and what it counts.
import type { Clock, Random } from "assent/internal/ports";
import type { BoundOperations } from "assent/internal/engine";
import type { RedisConnect } from "./redis-port.ts";

export interface RedisExecutorOptions {
  readonly connect: RedisConnect;
  /** Of all keys, and their hash tag: stores that share a server differ in it, processes that share a store do not. */
  readonly prefix: string;
  readonly operations: BoundOperations;
  /** Replicas that may be promoted, all of which must acknowledge a round before it is answered (D2). */
  readonly replicas?: number;
  /** So many are enough while those who promote servers say that they promote none; left out, all. */
  readonly replicasLeast?: number;
  /** How long steps wait for a server that takes them, before they fail having changed nothing; 2 s when left out. */
  readonly unreachableMaxMs?: number;
  readonly cachedRecordsMax?: number;
  /** Store time in place of the server's, for tests. Nothing checks it. */
  readonly now?: () => number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What a process has asked of its server since the store was opened. */
export interface RoundCounts {
  /** Rounds that verified, and wrote if there was something to write. */
  rounds: number;
  readings: number;
  steps: number;
  /** Steps that ran again because a belief was wrong. */
  conflicts: number;
  /** Rounds that the server refused because the time they assumed was off. */
  late: number;
}

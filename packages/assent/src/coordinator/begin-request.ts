// The request that a call of `run` sends to the log.
import { fingerprintOf, type JsonObject, type Limits, type Protocol } from "../protocol/index.ts";
import type { Transaction } from "./definition.ts";
import type { CheckedRequest } from "./run-request.ts";
import type { BeginRequest } from "../ports/transaction-log.ts";

export function beginRequest<Input>(
  transaction: Transaction<Input>,
  { key, input }: CheckedRequest,
  by: { owner: string; protocol: Protocol; now: number; limits: Limits },
): BeginRequest {
  const { owner, protocol, now, limits } = by;
  return {
    key,
    ...(input !== undefined && { create: { incarnation: incarnationOf(input), fields: input } }),
    ...(transaction.onBegin !== undefined && { change: transaction.onBegin }),
    definition: transaction.name,
    definitionHash: transaction.hash,
    protocol,
    owner,
    begunAt: now,
    deadlineAt: now + limits.phaseOneDeadlineMs,
    releaseWaitMs: limits.releaseWaitMs,
  };
}

/**
 * Rows that are created here have an incarnation that follows from what they were created with, so that a repeat after
 * the log lost its last writes resumes the same attempt instead of charging again (T3).
 */
export function incarnationOf(input: JsonObject): string {
  return fingerprintOf(input).toString(36);
}

// The request that a call of `run` sends to the log.
import { fingerprintOf, type JsonObject, type Limits, type Protocol } from "../protocol/index.ts";
import type { Plannable } from "./definition.ts";
import type { CheckedRequest } from "./run-request.ts";
import type { BeginRequest } from "../ports/transaction-log.ts";

export function beginRequest<Input>(
  transaction: Plannable<Input>,
  { key, input }: CheckedRequest,
  by: { owner: string; protocol: Protocol; definitionHash: number; now: number; limits: Limits },
): BeginRequest {
  const { owner, protocol, definitionHash, now, limits } = by;
  return {
    key,
    ...(input !== undefined && { create: { incarnation: incarnationOf(input), fields: input } }),
    ...(transaction.onBegin !== undefined && { change: transaction.onBegin }),
    definition: transaction.name,
    definitionHash,
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

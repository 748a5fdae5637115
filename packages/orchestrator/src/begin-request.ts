// What a call of `run` asks of the log: to begin an attempt, or only what became of the ones before.
import { fingerprintOf, type JsonObject, type Limits, type Protocol } from "@assent/protocol";
import type { Transaction } from "./definition.ts";
import type { BeginRequest, Row } from "./ports/transaction-log.ts";

export interface RunRequest {
  /** What the transaction belongs to, such as an order id. One attempt at a time; a success is for ever. */
  readonly key: string;
  /** The row to begin with where the key has none yet. A key that has other fields already is refused (`unmet`). */
  readonly input?: JsonObject;
}

export function beginRequest<Input>(
  transaction: Transaction<Input>,
  { key, input }: RunRequest,
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
 * The same question, with which nothing can begin: no field is at least 1 and at most 0. A log looks at the content
 * and at what became of earlier attempts first, and so says that much; the conformance suite holds every log to it.
 */
export function beginningNothing(request: BeginRequest): BeginRequest {
  return { ...request, change: { expect: [{ field: "nothing", atLeast: 1, atMost: 0 }] } };
}

/** Whether the key holds a row that was created with something else. */
export function isOtherContent(row: Row, { input }: RunRequest): boolean {
  return input !== undefined && row.incarnation !== incarnationOf(input);
}

/**
 * Rows that are created here have an incarnation that follows from what they were created with, so that a repeat after
 * the log lost its last writes resumes the same attempt instead of charging again (T3).
 */
function incarnationOf(input: JsonObject): string {
  return fingerprintOf(input).toString(36);
}

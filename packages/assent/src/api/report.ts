// What a service or a coordinator reports when nobody observes it: what an operator has to know, on standard error.
import type { Observation, Observer } from "../ports/observer.ts";

export type Observe = (observation: Observation) => void;

/** Observing changes nothing: an observer that throws is reported, and what it observed goes on. */
export function observerOf(observe: Observe | undefined): Observer {
  if (observe === undefined) return { observe: report };
  return {
    observe(observation) {
      try {
        observe(observation);
      } catch (error) {
        // oxlint-disable-next-line no-console -- nobody else can report it
        console.error(`assent: the observer failed at ${observation.type}: ${stackOf(error)}`);
      }
    },
  };
}

function report(observation: Observation): void {
  const text = textOf(observation);
  // oxlint-disable-next-line no-console -- the default without an observer
  if (text !== undefined) console.error(`assent: ${text}`);
}

function textOf(seen: Observation): string | undefined {
  switch (seen.type) {
    case "HandlerFailed":
      return `${seen.verb} of ${seen.branchId} failed in ${seen.txId}; nothing of it was kept: ${stackOf(seen.error)}`;
    case "AlarmRaised":
      return `${seen.txId} needs an operator: ${seen.code} in ${seen.branchId}: ${seen.detail}`;
    case "TransactionParked":
      return `${seen.txId} cannot be finished now (${seen.note.reason}), and is tried again`;
    case "BackgroundWorkFailed":
      return `${seen.work} failed: ${shown(seen.error)}`;
    default:
      return undefined;
  }
}

/** An error with a code says in its message what happened and what to do; of any other the stack is needed. */
function shown(error: unknown): string {
  return error instanceof Error && "code" in error ? error.message : stackOf(error);
}

/** Of a handler that threw, what it threw says more. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const source = error.cause instanceof Error ? error.cause : error;
  return source.stack ?? source.message;
}

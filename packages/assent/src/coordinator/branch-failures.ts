// What the branches of one transaction report about their services. Silence of a service, or of its store, counts
// against the service; a failed handler is a bug in one branch, answered by a service that works.
import { type Answer, type BranchSpec, handlerFailed, type Verb, verbRole } from "../protocol/index.ts";
import type { Breakers } from "./breakers.ts";
import type { Transport } from "../ports/transport.ts";

export class BranchFailures {
  readonly #breakers: Breakers;
  readonly #transport: Pick<Transport, "outage">;
  /** Branches that did not answer the request for their vote. */
  readonly #unasked = new Set<string>();
  /** Branches that did not answer a decision in time, while their service answered others. */
  readonly #late = new Set<BranchSpec>();
  /** Branches that did not acknowledge a decision. */
  readonly #undone = new Set<BranchSpec>();
  readonly #txId: string;

  constructor(txId: string, { breakers, transport }: { breakers: Breakers; transport: Pick<Transport, "outage"> }) {
    this.#txId = txId;
    this.#breakers = breakers;
    this.#transport = transport;
  }

  /**
   * One branch is one failure for its vote and one for its decision, however often it is asked, so that it alone cuts
   * off no other transaction. If its service has answered others since, the service is up: the message was lost, or is
   * queued under load. A message that may never have left this process says nothing about the service. An unanswered
   * `forget` delays no caller.
   */
  wentUnanswered(spec: BranchSpec, verb: Verb, sentAt: number): void {
    const { outage } = this.#transport;
    if (verb === "forget" || (outage !== undefined && (outage.to ?? Infinity) >= sentAt)) return;
    if (!isAsking(verb)) {
      if (!this.#late.has(spec) && this.#breakers.hasAnsweredSince(spec.service, "decided", sentAt)) {
        this.#late.add(spec);
        return;
      }
      this.#undone.add(spec);
      return this.#breakers.wentUndone(spec.service, this.#nameOf(spec));
    }
    if (this.#unasked.has(spec.branchId) || this.#breakers.hasAnsweredSince(spec.service, "asked", sentAt)) return;
    this.#unasked.add(spec.branchId);
    this.#breakers.wentUnanswered(spec.service);
  }

  answered(spec: BranchSpec, verb: Verb): void {
    if (verb === "forget") return;
    const { service, branchId } = spec;
    if (isAsking(verb)) this.#unasked.delete(branchId);
    else if (this.#breakers.noLongerUndone(service, this.#nameOf(spec))) this.#breakers.cameBack(service);
    this.#breakers.answered(service, verbRole(verb));
  }

  /** This process no longer drives the transaction. */
  close(): void {
    for (const spec of this.#undone) this.#breakers.noLongerUndone(spec.service, this.#nameOf(spec));
  }

  #nameOf({ branchId }: BranchSpec): string {
    return `${this.#txId}/${branchId}`;
  }
}

/** Whether the service has answered, even with a failed handler. Any other `unknown` counts as silence. */
export function isOfService(answer: Answer): boolean {
  return answer.kind !== "unknown" || answer.reason === handlerFailed;
}

function isAsking(verb: Verb): boolean {
  const role = verbRole(verb);
  return role === "vote" || role === "query";
}

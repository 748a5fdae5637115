// What the branches of one transaction say of the services that they are in. A service that does not answer, or whose
// store does not, counts against it; a handler that fails is a bug in one branch, answered by a service that works.
import { type Answer, type BranchSpec, handlerFailed, type Verb, verbRole } from "@assent/protocol";
import type { Breakers } from "./breakers.ts";
import type { Transport } from "./ports/transport.ts";

export class BranchFailures {
  readonly #breakers: Breakers;
  readonly #transport: Pick<Transport, "outage">;
  /** Branches that were asked in vain for their vote. */
  readonly #unasked = new Set<string>();
  /** Branches that were slow to carry a decision out, while their service carried out others. */
  readonly #late = new Set<BranchSpec>();
  /** Branches that were told a decision in vain. */
  readonly #undone = new Set<BranchSpec>();
  readonly #txId: string;

  constructor(txId: string, { breakers, transport }: { breakers: Breakers; transport: Pick<Transport, "outage"> }) {
    this.#txId = txId;
    this.#breakers = breakers;
    this.#transport = transport;
  }

  /**
   * However often one branch is asked for its vote in vain, or told a decision, it is one failure: nobody else is cut
   * off for it. A service that has answered others since is there: the message was lost, or waits for its turn, as all
   * do where there is much to do. What may never have left this process says nothing of a service, and `forget` holds
   * nobody up.
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

  /** Nobody here drives the transaction any more. */
  close(): void {
    for (const spec of this.#undone) this.#breakers.noLongerUndone(spec.service, this.#nameOf(spec));
  }

  #nameOf({ branchId }: BranchSpec): string {
    return `${this.#txId}/${branchId}`;
  }
}

/** Whether the service has answered, be it with a failure of its handler. Any other `unknown` is as good as silence. */
export function isOfService(answer: Answer): boolean {
  return answer.kind !== "unknown" || answer.reason === handlerFailed;
}

function isAsking(verb: Verb): boolean {
  const role = verbRole(verb);
  return role === "vote" || role === "query";
}

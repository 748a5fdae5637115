// One breaker per service, and the permits of one transaction, which goes to all of its services or to none.
import {
  type BreakerLimits,
  type BreakerState,
  breakerCameBack,
  breakerFailed,
  breakerReleased,
  breakerSucceeded,
  closedBreaker,
  enterBreaker,
} from "../protocol/breaker.ts";
import type { VerbRole } from "../protocol/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";

export class Breakers {
  readonly #states = new Map<string, BreakerState>();
  /** By service, the branches that currently do not acknowledge a decision. */
  readonly #undone = new Map<string, Set<string>>();
  /** By service, when it last answered a vote, and when it last answered a decision; monotonic milliseconds. */
  readonly #answeredAt = { asked: new Map<string, number>(), decided: new Map<string, number>() };
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #limits: BreakerLimits;

  constructor(options: { clock: Clock; observer: Observer; limits: BreakerLimits }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#limits = options.limits;
  }

  /**
   * Permits for all of the services, or the name of one that is cut off, in which case no permit is held.
   * The probes among them must be given back with `release`.
   */
  enter(services: readonly string[]): { readonly probes: readonly string[] } | { readonly cutOff: string } {
    const probes: string[] = [];
    for (const service of services) {
      const { state, permit } = enterBreaker(this.state(service), this.#clock.monotonic(), this.#limits);
      if (permit === "refused") {
        this.release(probes);
        return { cutOff: service };
      }
      if (permit === "probe") probes.push(service);
      this.#set(service, state);
    }
    return { probes };
  }

  /** Gives back the permits of probes that proved nothing; a probe that was answered has no permit left. */
  release(probes: readonly string[]): void {
    for (const service of probes) this.#set(service, breakerReleased(this.state(service), this.#clock.monotonic()));
  }

  /**
   * A service answered. Only an answer to phase 1 or to a question closes its breaker or starts the count again: a
   * service that answers aborts and no votes is no service to send more to.
   */
  answered(service: string, role: VerbRole): void {
    const kind = role === "forward" || role === "backward" ? "decided" : "asked";
    this.#answeredAt[kind].set(service, this.#clock.monotonic());
    if (kind === "decided") return;
    const state = this.#states.get(service);
    if (state !== undefined) this.#set(service, breakerSucceeded(state));
  }

  /**
   * What was silent for a decision has carried it out: worth a probe at once. Nobody else would send one when all that
   * was under way had been decided, as after the failover of a database.
   */
  cameBack(service: string): void {
    const state = this.#states.get(service);
    if (state !== undefined) this.#set(service, breakerCameBack(state, this.#clock.monotonic()));
  }

  /**
   * A branch does not carry out its decision. Each branch is one failure, however often the decision is sent. Answered
   * votes do not reset the count: the breaker opens when as many branches are stuck at once as it allows failures in a
   * row.
   */
  wentUndone(service: string, branch: string): void {
    const undone = this.#undone.get(service) ?? new Set<string>();
    this.#undone.set(service, undone);
    const isNew = !undone.has(branch);
    undone.add(branch);
    const failures = undone.size >= this.#limits.failuresMax ? this.#limits.failuresMax : Number(isNew);
    for (let failure = 0; failure < failures; failure += 1) this.wentUnanswered(service);
  }

  /** The branch has answered, or this process no longer drives it. */
  noLongerUndone(service: string, branch: string): boolean {
    return this.#undone.get(service)?.delete(branch) ?? false;
  }

  wentUnanswered(service: string): void {
    this.#set(service, breakerFailed(this.state(service), this.#clock.monotonic(), this.#limits));
  }

  /** Whether a service has answered anything of this kind since a given moment. */
  hasAnsweredSince(service: string, kind: "asked" | "decided", moment: number): boolean {
    return (this.#answeredAt[kind].get(service) ?? -Infinity) > moment;
  }

  state(service: string): BreakerState {
    return this.#states.get(service) ?? closedBreaker;
  }

  allClosed(): boolean {
    for (const state of this.#states.values()) if (state.kind !== "closed") return false;
    return true;
  }

  #set(service: string, next: BreakerState): void {
    const before = this.state(service);
    if (before === next) return;
    this.#states.set(service, next);
    if (before.kind !== next.kind) this.#observer.observe({ type: "BreakerChanged", service, to: next.kind });
  }
}

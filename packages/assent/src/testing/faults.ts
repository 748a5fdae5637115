// The faults of a test world: armed by name, or drawn from a seed.
import { type Verb, verbRole } from "../protocol/index.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** When a fault strikes: while a step votes, or while it carries out the decision. */
export type Phase = "vote" | "decision";

/** Where the coordinator's process can die: right after this write of its log, before it has seen the answer. */
export type CrashPoint = "begun" | "decided" | "ended";

export interface FaultOptions {
  /** How often; left out, until `heal`. */
  readonly times?: number;
  /** Left out, while it votes. */
  readonly at?: Phase;
}

export type StepFault =
  /** The vote is no, with this reason; the handler is not called. */
  | { readonly kind: "refuse"; readonly reason: string }
  /** The handler does its work and then throws, so that nothing of it is kept. */
  | { readonly kind: "fail" }
  /** The command arrives and is carried out, its answer does not come back. */
  | { readonly kind: "lose" }
  /** The command arrives later. */
  | { readonly kind: "delay"; readonly ms: number };

type Kind = StepFault["kind"];
type Of<K extends Kind> = Extract<StepFault, { kind: K }>;

interface Armed {
  readonly fault: StepFault;
  readonly step: string;
  readonly at: Phase;
  left: number;
}

/** What a handler throws where a fault makes it fail. */
export class InjectedFailure extends Error {
  readonly code = "injected_failure";

  constructor(step: string, at: Phase) {
    super(`the test made ${step} fail (${at})`);
    this.name = "InjectedFailure";
  }
}

export class Faults {
  #armed: Armed[] = [];
  readonly #crashes: CrashPoint[] = [];
  readonly #drawn: DrawnFaults | undefined;
  /** Every fault that struck, oldest first. */
  readonly struck: string[] = [];

  constructor(drawn?: DrawnFaults) {
    this.#drawn = drawn;
  }

  arm(fault: StepFault, step: string, { times = Infinity, at = "vote" }: FaultOptions = {}): void {
    this.#armed.push({ fault, step, at, left: times });
  }

  armCrash(point: CrashPoint): void {
    this.#crashes.push(point);
  }

  /** Ends the faults of a step, or all of them. What has happened stays. */
  heal(step?: string): void {
    this.#armed = this.#armed.filter((armed) => step !== undefined && armed.step !== step);
    if (step !== undefined) return;
    this.#crashes.length = 0;
    this.#drawn?.end();
  }

  /** The fault of this kind that strikes now, if one does. */
  strike<K extends Kind>(kind: K, step: string, at: Phase): Of<K> | undefined {
    const armed = this.#armed.find((each) => each.fault.kind === kind && each.step === step && each.at === at);
    if (armed !== undefined) {
      armed.left -= 1;
      if (armed.left <= 0) this.#armed.splice(this.#armed.indexOf(armed), 1);
    }
    const fault = armed?.fault ?? this.#drawn?.draw(kind, at);
    if (fault !== undefined) this.struck.push(`${textOf(fault)} ${step} (${at})`);
    return fault as Of<K> | undefined;
  }

  /** Whether the coordinator's process dies here. */
  strikeCrash(point: CrashPoint): boolean {
    const index = this.#crashes.indexOf(point);
    if (index === -1 && this.#drawn?.strikes() !== true) return false;
    if (index !== -1) this.#crashes.splice(index, 1);
    this.struck.push(`crash (${point})`);
    return true;
  }
}

/** The most faults of one drawn run: it is to end. */
const drawnMax = 8;
const delaysMs = [10, 1_000, 3_000, 12_000];

/** Faults at random places, always the same ones for a seed. */
export class DrawnFaults {
  readonly #random: SeededRandom;
  readonly #chance: number;
  #left: number;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#chance = random.pick([0.02, 0.05, 0.15]);
    this.#left = random.below(drawnMax + 1);
  }

  end(): void {
    this.#left = 0;
  }

  draw(kind: Kind, at: Phase): StepFault | undefined {
    if ((kind === "refuse" && at === "decision") || !this.strikes()) return undefined;
    if (kind === "refuse") return { kind, reason: "drawn_refusal" };
    return kind === "delay" ? { kind, ms: this.#random.pick(delaysMs) } : { kind };
  }

  strikes(): boolean {
    if (this.#left === 0 || !this.#random.chance(this.#chance)) return false;
    this.#left -= 1;
    return true;
  }
}

/** Queries and `forget` are of neither phase: no fault strikes them. */
export function phaseOf(verb: Verb): Phase | undefined {
  const role = verbRole(verb);
  if (role === "vote") return "vote";
  return role === "forward" || role === "backward" ? "decision" : undefined;
}

function textOf(fault: StepFault): string {
  if (fault.kind === "refuse") return `refuse with ${fault.reason}:`;
  return fault.kind === "delay" ? `delay by ${fault.ms} ms:` : `${fault.kind}:`;
}

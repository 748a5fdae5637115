// The canonical text of a state: two states with one text have the same future.
//
// Omitted is everything without influence: times of change, reasons, counts of attempts beyond the one that parks,
// payloads (they follow from the branch). Parts are shared between states, so their texts are numbered once.
import type {
  Answer,
  BranchRecord,
  CoordinatorEvent,
  CoordinatorState,
  TransactionRecord,
} from "assent/internal/protocol";
import type { Driver, LogWrite, WorldState } from "./world-state.ts";
import { begunAt, type Budgets, worldLimits } from "./world.ts";

const epochText = (epoch: number): string => `@${epoch - begunAt}`;

/** An incarnation of the attempt that began later than the first. */
export function lifeText(begun: number): string {
  return begun === begunAt ? "" : ` life ${begun}`;
}

export function recordText(record: TransactionRecord | undefined): string {
  if (record === undefined) return "none";
  const { protocol, state, owner, epoch, begunAt: begun, rebuilt, parked } = record;
  const back = rebuilt === true ? " rebuilt" : "";
  const note = parked === undefined ? "" : ` parked ${parked.reason}`;
  return `${protocol} ${state} ${owner}${epochText(epoch)}${lifeText(begun)}${back}${note}`;
}

export function branchText(record: BranchRecord | undefined): string {
  if (record === undefined) return "none";
  const { protocol, state, epoch, begunAt: begun, forgotten } = record;
  return `${protocol} ${state}${epochText(epoch)}${lifeText(begun)}${forgotten ? " forgotten" : ""}`;
}

export function answerText(answer: Answer): string {
  if (answer.kind === "done" || answer.kind === "conflict") return `${answer.kind} ${answer.state}`;
  return answer.kind === "fenced" ? `fenced${epochText(answer.epoch)}` : answer.kind;
}

export function writeText({ owner, epoch, decision }: LogWrite): string {
  return `${decision ?? "end"} by ${owner}${epochText(epoch)}`;
}

export function eventText(event: CoordinatorEvent): string {
  switch (event.type) {
    case "DecisionWritten":
    case "EndWritten":
      return `${event.type} ${recordText(event.record)}`;
    case "RetryFellDue":
      return `${event.type} ${event.verb} ${event.branchId}`;
    default:
      return event.type;
  }
}

function driverText({ id, state }: Driver): string {
  const { record, role, stage, intent, reported, releaseWaitOver } = state;
  const branches = progressText(state);
  const flags = `${reported ? "t" : ""}${releaseWaitOver && !reported ? "w" : ""}`;
  return `${id} ${recordText(record)} ${role} ${stage} ${intent?.decision ?? ""} ${flags} ${branches}`;
}

function progressText({ branches }: CoordinatorState): string {
  return branches
    .map(({ status, attempts, retrying, neverAsked, contendedSince }) => {
      const tried = Math.min(attempts, worldLimits.parkAfterAttempts);
      return `${status}${tried}${retrying === true ? "r" : ""}${neverAsked === true ? "n" : ""}${contendedSince ?? ""}`;
    })
    .join();
}

/** Numbers texts, so that the text of a state is short. */
export class Canonical {
  readonly #numbers = new Map<string, string>();
  readonly #ofDriver = new WeakMap<Driver, string>();
  readonly #ofBudgets = new WeakMap<Budgets, string>();

  /** Exact: equal if and only if the texts of all parts are equal. */
  keyOf(state: WorldState): string {
    let key = this.#number(this.#restOf(state));
    for (const driver of state.drivers) key += ` ${this.#driver(driver)}`;
    key += ";";
    for (const message of state.messages) key += ` ${this.#number(message.key)}`;
    return key;
  }

  #driver(driver: Driver): string {
    const known = this.#ofDriver.get(driver);
    if (known !== undefined) return known;
    const number = this.#number(driverText(driver));
    this.#ofDriver.set(driver, number);
    return number;
  }

  #restOf({ record, row, history, branches, left, owners, time, returned, decided, finals }: WorldState): string {
    let text = `${recordText(record)} ${row ?? ""}`;
    for (const earlier of history) text += `|${recordText(earlier)}`;
    for (const branch of branches) text += `;${branchText(branch)}`;
    for (const final of finals) text += `,${final ?? ""}`;
    return `${text} ${owners} ${time} ${returned.join()} ${decided.join()} ${this.#budgets(left)}`;
  }

  #budgets(left: Budgets): string {
    const known = this.#ofBudgets.get(left);
    if (known !== undefined) return known;
    const text = Object.values(left).join();
    this.#ofBudgets.set(left, text);
    return text;
  }

  #number(text: string): string {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size.toString(36);
    this.#numbers.set(text, number);
    return number;
  }
}

// Branches of a ledger, as the port `BranchStore` and the rules promise them (P1–P10, C7).
import type { BranchStore, BranchSweep } from "assent/internal/ports";
import {
  type Answer,
  type BranchState,
  type Command,
  defaultLimits,
  type Json,
  type Protocol,
} from "assent/internal/protocol";
import { hasIllFormed } from "./odd-names.ts";
import { byBytes } from "./byte-order.ts";
import { Rejected, type Synchronous } from "./call.ts";
import { afterMovement, isAmount, type ModelAccounts, type Movement } from "./model-accounts.ts";
import { ModelLine } from "./model-line.ts";
import type { Surroundings } from "./surroundings.ts";

const { maxAgeMs, clockSkewMs, askAfterMs } = defaultLimits;

/** A sweep, and the number of records it read: `more` may be true without need if that was its limit. */
export interface ModelSweep extends BranchSweep {
  readonly looked: number;
}

/** How far a branch is: it has said yes, it went forward, or it went backward or never will say yes. */
type Stage = "yes" | "forward" | "backward";

export interface ModelBranch {
  readonly name: string;
  readonly txId: string;
  readonly branchId: string;
  readonly protocol: Protocol;
  readonly begunAt: number;
  readonly origin: string | undefined;
  /** Text of what it was asked for; undefined on a tombstone of what never arrived. */
  readonly payload: string | undefined;
  readonly refusal: string | undefined;
  /** What it took from whom. */
  readonly taken: readonly Taken[];
  stage: Stage;
  epoch: number;
  forgotten: boolean;
  /** From when on it asks, while it has to. */
  asksAt: number;
}

interface Taken {
  readonly accountId: string;
  readonly amount: number;
  readonly generation: string;
}

const states: Readonly<Record<Protocol, Readonly<Record<Stage, BranchState>>>> = {
  "2pc": { yes: "prepared", forward: "committed", backward: "aborted" },
  saga: { yes: "executed", forward: "completed", backward: "compensated" },
};

type Role = "vote" | "forward" | "backward" | "query" | "forget";

const stepOf: Readonly<Record<Command["verb"], Role>> = {
  prepare: "vote",
  execute: "vote",
  commit: "forward",
  complete: "forward",
  abort: "backward",
  compensate: "backward",
  "query-or-prevent": "query",
  forget: "forget",
};

export class ModelBranches implements Synchronous<BranchStore> {
  readonly all = new Map<string, ModelBranch>();
  readonly #accounts: ModelAccounts;
  readonly #surroundings: Surroundings;
  readonly #line = new ModelLine();

  constructor(accounts: ModelAccounts, surroundings: Surroundings) {
    this.#accounts = accounts;
    this.#surroundings = surroundings;
  }

  apply(commands: readonly Command[]): readonly Answer[] {
    return commands.map((command) => {
      try {
        return this.#applyOne(command);
      } catch (error) {
        // M3: nothing of a step that fails has happened, and nothing may be concluded.
        if (error instanceof Rejected) return { kind: "unknown", reason: error.message };
        throw error;
      }
    });
  }

  sweep(limit: number): ModelSweep {
    const now = this.#surroundings.now();
    // Those that ask come first.
    const due = [...this.all.values()]
      .filter((branch) => dueAt(branch) < now)
      .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || dueAt(a) - dueAt(b) || byBytes(a.name, b.name));
    const first = due.slice(0, limit);
    if (due.length > limit) this.#surroundings.met("R7 more is due than a sweep may look at");
    const questions = first.flatMap((branch) => this.#sweepOne(branch, now));
    return { questions, more: due.length > limit, looked: first.length };
  }

  #sweepOne(branch: ModelBranch, now: number): BranchSweep["questions"] {
    const { txId, branchId, protocol, epoch, begunAt, origin } = branch;
    if (isOver(branch)) {
      // P7: no command for it can be young any more.
      this.#surroundings.met(branch.stage === "forward" ? "P7 a forgotten branch goes" : "P7 a tombstone goes");
      this.all.delete(branch.name);
      return [];
    }
    branch.asksAt = now + askAfterMs;
    if (origin === undefined) return [];
    this.#surroundings.met(branch.stage === "yes" ? "P6 a yes vote asks" : "P6 a forward-final branch asks");
    return [{ txId, branchId, protocol, epoch, begunAt, origin }];
  }

  #applyOne(command: Command): Answer {
    if (hasIllFormed(command.txId)) throw new Rejected("a name is not well-formed Unicode");
    const branch = this.all.get(nameOf(command));
    if (branch === undefined) return this.#applyFirst(command);
    if (command.epoch < branch.epoch) return { kind: "fenced", epoch: branch.epoch };
    const answer = this.#applyAgain(branch, command);
    if (command.epoch > branch.epoch) this.#surroundings.met("P5 the highest epoch is recorded");
    branch.epoch = command.epoch;
    return answer;
  }

  /** P2, P4: a command to a branch that has a record. */
  #applyAgain(branch: ModelBranch, command: Command): Answer {
    const { met } = this.#surroundings;
    const { protocol, stage, refusal, payload } = branch;
    const done = (): Answer => {
      const state = states[protocol][branch.stage];
      return refusal === undefined ? { kind: "done", state } : { kind: "done", state, refusal };
    };
    const conflict: Answer = { kind: "conflict", state: states[protocol][stage] };
    const step = stepOf[command.verb];
    if (command.protocol !== protocol) met("C7 a branch follows the protocol that it voted in");
    switch (step) {
      case "vote":
      case "query":
        if (payload !== undefined && payload !== JSON.stringify(command.payload)) return { kind: "mismatch" };
        if (step === "query") return done();
        met(`P4 a vote meets a branch that is ${stage}`);
        return stage === "backward" ? { kind: "refused", reason: refusal ?? "prevented" } : done();
      case "forget":
        if (stage === "yes") return conflict;
        branch.forgotten = true;
        return { kind: "forgotten" };
      case "forward":
      case "backward": {
        if (stage !== "yes") return stage === step ? done() : conflict;
        this.#settle(branch, step);
        branch.stage = step;
        return done();
      }
    }
  }

  /** A command to a branch that has no record. */
  #applyFirst(command: Command): Answer {
    const { now } = this.#surroundings;
    const { protocol, verb, begunAt, deadlineAt, origin } = command;
    const step = stepOf[verb];
    if (step === "forget") return { kind: "forgotten" };
    if (now() > begunAt + maxAgeMs) return { kind: "expired" };
    switch (step) {
      case "vote": {
        // P8
        const isLate = deadlineAt !== undefined && now() > deadlineAt + clockSkewMs;
        const taken = isLate ? "deadline_passed" : protocol === "2pc" ? this.#hold(command) : this.#spend(command);
        if (taken === "contended") return { kind: "contended" };
        if (typeof taken !== "string") return this.#record(command, "yes", { taken, origin });
        this.#record(command, "backward", { refusal: taken });
        return { kind: "refused", reason: taken };
      }
      case "forward": {
        // P9
        if (protocol === "saga") return { kind: "hazard", reason: "vote_lost" };
        const taken = this.#spend(command);
        if (typeof taken === "string") return { kind: "hazard", reason: taken };
        return this.#record(command, "forward", { taken, origin });
      }
      case "backward":
      case "query":
        return this.#record(command, "backward", {});
    }
  }

  #record(
    command: Command,
    stage: Stage,
    kept: { taken?: readonly Taken[]; origin?: string | undefined; refusal?: string },
  ): Answer {
    const { txId, branchId, protocol, epoch, begunAt } = command;
    const { taken = [], origin, refusal } = kept;
    const isPrevented = stage === "backward" && refusal === undefined;
    const payload = isPrevented ? undefined : JSON.stringify(command.payload);
    const names = { name: nameOf(command), txId, branchId, protocol, begunAt, origin, payload, refusal, taken };
    this.all.set(names.name, { ...names, stage, epoch, forgotten: false, asksAt: begunAt + askAfterMs });
    return { kind: "done", state: states[protocol][stage] };
  }

  /** Reserves everything that is wanted, or answers `contended`, or why it is refused. */
  #hold(command: Command): readonly Taken[] | string {
    const { now, met } = this.#surroundings;
    const wanted = this.#wanted(command.payload);
    if (typeof wanted === "string") return wanted;
    const who = nameOf(command);
    const isShort = wanted.some(({ accountId, amount }) => {
      const { available, held } = this.#accounts.get(accountId);
      return available + held < amount;
    });
    const left = ({ accountId }: Taken): number =>
      this.#accounts.get(accountId).available - this.#line.ahead(accountId, who, now());
    const isContended = !isShort && wanted.some((each) => left(each) < each.amount);
    for (const { accountId, amount } of wanted) {
      if (!isContended) this.#line.leave(accountId, who);
      else this.#line.join(accountId, { who, amount, seenAt: now() });
    }
    if (isShort) return "insufficient";
    if (!isContended) return this.#take(wanted, (amount) => ({ available: -amount, held: amount }));
    const isThere = wanted.every(({ accountId, amount }) => this.#accounts.get(accountId).available >= amount);
    met(isThere ? "P10 a branch that asked first is served first" : "P10 others hold the units");
    return "contended";
  }

  #spend(command: Command): readonly Taken[] | string {
    const wanted = this.#wanted(command.payload);
    if (typeof wanted === "string") return wanted;
    const isShort = wanted.some(({ accountId, amount }) => this.#accounts.get(accountId).available < amount);
    return isShort ? "insufficient" : this.#take(wanted, (amount) => ({ available: -amount, spent: amount }));
  }

  /** What is wanted of each account, or why it can never be had. */
  #wanted(payload: Json | undefined): readonly Taken[] | string {
    const { entries } = (payload ?? {}) as { readonly entries?: readonly (readonly [string, number])[] };
    if (!Array.isArray(entries) || entries.length === 0) return "invalid_payload";
    const amounts = new Map<string, number>();
    for (const [accountId, amount] of entries) {
      if (typeof accountId !== "string" || !isAmount(amount)) return "invalid_payload";
      amounts.set(accountId, (amounts.get(accountId) ?? 0) + amount);
      if (!isAmount(amounts.get(accountId))) return "invalid_payload";
    }
    if ([...amounts.keys()].some((accountId) => !this.#accounts.all.has(accountId))) return "absent";
    return [...amounts].map(([accountId, amount]) => {
      const { generation } = this.#accounts.get(accountId);
      return { accountId, amount, generation };
    });
  }

  #take(wanted: readonly Taken[], movement: (amount: number) => Movement): readonly Taken[] {
    this.#move(wanted, movement);
    return wanted;
  }

  /** Spends or gives back what was taken. An account that was seeded again since then owes nothing. */
  #settle({ protocol, taken }: ModelBranch, way: "forward" | "backward"): void {
    if (protocol === "saga" && way === "forward") return;
    const owed = taken.filter((each) => this.#accounts.all.get(each.accountId)?.generation === each.generation);
    if (owed.length < taken.length) this.#surroundings.met("S2 an account that was seeded again owes nothing");
    const from = protocol === "saga" ? "spent" : "held";
    const to = way === "forward" ? "spent" : "available";
    this.#move(owed, (amount) => ({ [from]: -amount, [to]: amount }));
  }

  /** Moves on all accounts or on none. */
  #move(all: readonly Taken[], movement: (amount: number) => Movement): void {
    const next = all.map(({ accountId, amount }, index) => {
      const account = this.#accounts.get(accountId);
      const moved = afterMovement(account, movement(amount));
      if (moved === undefined && index > 0) this.#surroundings.met("M3 a step fails after its first half");
      if (moved === undefined) throw new Rejected("S3");
      return [accountId, moved] as const;
    });
    for (const [accountId, account] of next) this.#accounts.all.set(accountId, account);
  }
}

/** It never asks again. */
function isOver({ stage, forgotten }: ModelBranch): boolean {
  return stage === "backward" || forgotten;
}

/** From when on a sweep looks at a branch. */
export function dueAt(branch: ModelBranch): number {
  return isOver(branch) ? branch.begunAt + 2 * maxAgeMs : branch.asksAt;
}

function nameOf({ txId, branchId }: Command): string {
  return `${txId}/${branchId}`;
}

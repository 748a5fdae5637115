// A small world for properties: one record, two or three branches, coordinators that crash and take over, and a network
// that loses, doubles and reorders. The machines are the real ones; every rule is checked at the step that could break
// it. Holds no test of its own.
import assert from "node:assert/strict";
import type { BranchRecord, BranchAction, ActionResult } from "./branch.ts";
import {
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  coordinatorState,
} from "./coordinator-state.ts";
import { coordinate } from "./coordinator.ts";
import { applyCommand, begunAt, command, transaction } from "./fixtures.test.ts";
import { defaultLimits } from "./limits.ts";
import type { BranchSpec } from "./messages.ts";
import {
  decisionOf,
  isEnded,
  nextEpoch,
  type RecordWrite,
  type TransactionRecord,
  writeDecision,
  writeEnd,
  writePark,
  writeTakeover,
} from "./transaction-record.ts";
import {
  type Decision,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  type Protocol,
  type Verb,
  verbRole,
} from "./verbs.ts";

export interface WorldOptions {
  readonly protocol: Protocol;
  readonly specs: readonly BranchSpec[];
  /** By branch: refuses, or is contended so many times before it agrees. */
  readonly votes: readonly ("ok" | "refused" | number)[];
  /** How many of a hundred steps go wrong. */
  readonly severity: number;
}

interface Coordinator {
  readonly name: string;
  state: CoordinatorState;
  alive: boolean;
  readonly intents: Set<Decision>;
}

/** Something under way. `arrive` delivers it; `lost` is what its sender notices instead. */
interface Parcel {
  readonly to: Coordinator;
  readonly arrive: () => void;
  readonly lost?: CoordinatorEvent;
}

export interface Coverage {
  takeovers: number;
  lostWrites: number;
  committed: number;
  aborted: number;
  toldSuccess: number;
  toldFailure: number;
  timeouts: number;
  cancelled: number;
}

export class SmallWorld {
  readonly coverage: Coverage = {
    takeovers: 0,
    lostWrites: 0,
    committed: 0,
    aborted: 0,
    toldSuccess: 0,
    toldFailure: 0,
    timeouts: 0,
    cancelled: 0,
  };
  record: TransactionRecord;
  readonly #options: WorldOptions;
  readonly #branches = new Map<string, BranchRecord>();
  readonly #contention = new Map<string, number>();
  readonly #coordinators: Coordinator[] = [];
  readonly #decided = new Set<Decision>();
  #parcels: Parcel[] = [];
  #beforeLastWrite: TransactionRecord | undefined;
  #now: number = begunAt;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.record = transaction({ protocol: options.protocol, owner: "c0", epoch: begunAt });
    options.votes.forEach((vote, index) => {
      const branchId = options.specs[index]?.branchId ?? "";
      this.#contention.set(branchId, typeof vote === "number" ? vote : 0);
    });
    this.#feed(this.#enter("owner", this.record), { type: "Begun" });
  }

  /** One step, chosen by a number: something arrives or, by the severity of this world, something goes wrong. */
  disturb(choice: number): void {
    this.#now += 1 + (choice % 401);
    const parcel = this.#parcels[(choice >>> 10) % Math.max(1, this.#parcels.length)];
    const wrong = choice % 100 < this.#options.severity;
    if (wrong) this.#goWrong((choice >>> 5) % 16, parcel);
    else if (parcel !== undefined) this.#deliver(parcel);
    this.#checkBranches();
  }

  #goWrong(fault: number, parcel: Parcel | undefined): void {
    if (fault === 0) this.#crash();
    else if (fault <= 2) this.#takeOver();
    else if (fault === 3) this.#loseLastWrite();
    else if (fault === 4) this.#deadline(this.#now % 3 !== 0);
    else if (fault === 5) this.#cancel(this.#now % 3 !== 0);
    else if (fault === 6) this.#overdue(this.#now % 3 !== 0);
    else if (parcel === undefined) return;
    else if (fault <= 8) parcel.arrive();
    else if (fault <= 13) this.#lose(parcel);
    else if (parcel.lost !== undefined) this.#feed(parcel.to, parcel.lost);
  }

  /** S7: faults have stopped; everything under way arrives, and dead owners are replaced, until the end. */
  settle(): void {
    for (let step = 0; !isEnded(this.record); step += 1) {
      assert.ok(step < 5_000, "S7: the transaction does not end");
      this.#now += 50;
      const parcel = this.#parcels[0];
      if (parcel !== undefined) this.#deliver(parcel);
      else this.#replaceOwner();
      this.#checkBranches();
    }
    while (this.#parcels[0] !== undefined) this.#deliver(this.#parcels[0]);
    const decision = decisionOf(this.record);
    for (const { branchId } of this.#options.specs) {
      const state = this.#branches.get(branchId)?.state;
      assert.ok(state !== undefined, "S7: every branch knows how it ended");
      assert.ok(decision === "commit" ? isForwardFinal(state) : isBackwardFinal(state), `S1, S7: ${state}`);
    }
    if (this.coverage.toldSuccess > 0) assert.equal(decision, "commit", "S5: a returned success stays true");
    if (this.coverage.toldFailure > 0) assert.equal(decision, "abort", "S5: a returned failure is never charged");
    this.coverage[decision === "commit" ? "committed" : "aborted"] += 1;
  }

  #enter(role: "owner" | "recoverer", record: TransactionRecord): Coordinator {
    const state = coordinatorState({ record, branches: this.#options.specs, role });
    const entered = { name: record.owner, state, alive: true, intents: new Set<Decision>() };
    this.#coordinators.push(entered);
    return entered;
  }

  #feed(to: Coordinator, event: CoordinatorEvent): void {
    if (!to.alive) return;
    const step = coordinate(to.state, event, { now: this.#now, limits: defaultLimits });
    to.state = step.state;
    for (const effect of step.effects) this.#perform(to, effect);
    if (to.state.stage === "stopped" || to.state.stage === "ended") to.alive = false;
  }

  #perform(by: Coordinator, effect: CoordinatorEffect): void {
    switch (effect.type) {
      case "SendCommand":
        return this.#send(by, effect.branchId, effect.verb);
      case "RetryLater":
        return this.#timer(by, { type: "RetryFellDue", branchId: effect.branchId, verb: effect.verb });
      case "WriteDecision":
        this.#checkIntent(by, effect.decision);
        return this.#write(by, "decision", () => this.#writeDecision(by, effect));
      case "WriteEnd":
        return this.#write(by, "end", () => this.#writeEnd(by));
      case "WriteRetryLater":
        return this.#timer(by, { type: "WriteRetryFellDue" });
      case "WaitForRelease":
        return this.#timer(by, { type: "ReleaseWaitPassed" });
      case "TellOutcome":
        return this.#report(effect.outcome.kind);
      case "Park":
        this.record = writePark(this.record, by.state.record, effect.note).record;
        return;
      case "TakeOverOwnRecord":
        return this.#takeOver();
      case "StandDown":
        return;
      case "RaiseAlarm":
        assert.fail(`P2: ${effect.code} at ${effect.branchId} inside the fault model: ${effect.detail}`);
    }
  }

  #timer(to: Coordinator, event: CoordinatorEvent): void {
    this.#parcels.push({ to, arrive: () => this.#feed(to, event) });
  }

  #send(by: Coordinator, branchId: string, verb: Verb): void {
    const role = verbRole(verb);
    if (role === "forward") assert.ok(this.#decided.has("commit"), "C3: forward before a durable commit");
    if (role === "backward") assert.ok(this.#decided.has("abort"), "C3, T10: backward before a durable abort");
    if (role === "backward") assert.ok(!by.intents.has("commit"), "C2: abort from who asked for commit");
    const { epoch } = by.state.record;
    const lost = { type: "WentUnanswered", branchId, verb } as const;
    const arrive = (): void => {
      const answer = this.#receive(branchId, verb, epoch);
      const back = (): void => this.#feed(by, { type: "Answered", branchId, verb, answer });
      this.#parcels.push({ to: by, arrive: back, lost });
    };
    this.#parcels.push({ to: by, arrive, lost });
  }

  #receive(branchId: string, verb: Verb, epoch: number) {
    const before = this.#branches.get(branchId);
    const payload = { of: branchId };
    const received = command(verb, { branchId, protocol: this.#options.protocol, epoch, payload });
    const surroundings = { now: this.#now, result: this.#business(branchId, before) };
    const { answer, record, operation } = applyCommand(before, received, surroundings);
    if (record !== undefined) this.#store(before, record, operation);
    return answer;
  }

  #business(branchId: string, before: BranchRecord | undefined): ActionResult {
    const index = this.#options.specs.findIndex((spec) => spec.branchId === branchId);
    if (before !== undefined) return { kind: "ok" };
    if (this.#options.votes[index] === "refused") return { kind: "refused", reason: "sold_out" };
    const left = this.#contention.get(branchId) ?? 0;
    this.#contention.set(branchId, Math.max(0, left - 1));
    return left > 0 ? { kind: "contended" } : { kind: "ok" };
  }

  #store(before: BranchRecord | undefined, after: BranchRecord, operation: BranchAction | undefined): void {
    assert.notEqual(operation, "reapply", "P9: no vote is lost in this world");
    if (before !== undefined) {
      assert.ok(after.epoch >= before.epoch, "P5");
      if (!isYesState(before.state)) assert.equal(after.state, before.state, "S6, P2");
    }
    this.#branches.set(after.branchId, after);
  }

  #checkIntent(by: Coordinator, decision: Decision): void {
    by.intents.add(decision);
    assert.ok(by.intents.size === 1, "C2, T9: never the opposite of what was sent");
    const states = [...this.#branches.values()].map((branch) => branch.state);
    const tombstone = states.some(isBackwardFinal);
    if (decision === "abort" && by.state.role === "recoverer") assert.ok(tombstone, "C6, T1: silence decides nothing");
    if (by.state.intent?.reason === "timeout") this.coverage.timeouts += 1;
    if (by.state.intent?.reason === "cancelled") this.coverage.cancelled += 1;
  }

  #write(by: Coordinator, write: "decision" | "end", apply: () => CoordinatorEvent): void {
    const lost = { type: "WriteWentUnanswered", write } as const;
    const arrive = (): void => {
      const event = apply();
      this.#parcels.push({ to: by, arrive: () => this.#feed(by, event), lost });
    };
    this.#parcels.push({ to: by, arrive, lost });
  }

  #writeDecision(by: Coordinator, { decision, reason }: { decision: Decision; reason?: string }): CoordinatorEvent {
    const write = writeDecision(this.record, by.state.record, { decision, reason, now: this.#now });
    if (write.kind === "written" && decision === "commit") {
      const states = this.#options.specs.map(({ branchId }) => this.#branches.get(branchId)?.state);
      const all = states.every((state) => state !== undefined && (isYesState(state) || isForwardFinal(state)));
      assert.ok(all, `C1: commit with ${states.join()}`);
    }
    if (write.kind === "lost") return { type: "OwnershipLost" };
    this.#keep(write);
    this.#decided.add(decision);
    return { type: "DecisionWritten", record: write.record };
  }

  #writeEnd(by: Coordinator): CoordinatorEvent {
    // The state is part of the comparison: a log that lost the decision has nothing to end.
    if (this.record.state === "active") return { type: "OwnershipLost" };
    const write = writeEnd(this.record, by.state.record, this.#now);
    if (write.kind === "lost") return { type: "OwnershipLost" };
    this.#keep(write);
    return { type: "EndWritten", record: write.record };
  }

  #keep(write: RecordWrite): void {
    if (write.kind !== "written") return;
    this.#beforeLastWrite = this.record;
    this.record = write.record;
  }

  #report(kind: "committed" | "aborted"): void {
    if (kind === "committed") {
      assert.ok(this.#decided.has("commit"), "C3: success before the durable decision");
      this.coverage.toldSuccess += 1;
    } else {
      const states = [...this.#branches.values()].map((branch) => branch.state);
      assert.ok(this.#decided.has("abort") && states.some(isBackwardFinal), "C5, T2: failure without a tombstone");
      this.coverage.toldFailure += 1;
    }
  }

  #deliver(parcel: Parcel): void {
    this.#parcels.splice(this.#parcels.indexOf(parcel), 1);
    parcel.arrive();
  }

  #lose(parcel: Parcel): void {
    if (parcel.lost === undefined) return this.#deliver(parcel);
    this.#parcels.splice(this.#parcels.indexOf(parcel), 1);
    this.#feed(parcel.to, parcel.lost);
  }

  #deadline(ownerUninterrupted: boolean): void {
    const [owner] = this.#coordinators;
    this.#now = Math.max(this.#now, this.record.deadlineAt);
    if (owner !== undefined) this.#feed(owner, { type: "DeadlinePassed", ownerUninterrupted });
  }

  /** The time of the last branch to vote is over. */
  #overdue(ownerUninterrupted: boolean): void {
    const branchId = this.#options.specs.at(-1)?.branchId ?? "";
    for (const each of this.#coordinators) this.#feed(each, { type: "VoteFellOverdue", branchId, ownerUninterrupted });
  }

  /** Asks any process, whether it may or not. */
  #cancel(ownerUninterrupted: boolean): void {
    const asked = this.#coordinators[this.#now % this.#coordinators.length];
    const operator = { by: "ann", why: "by mistake" };
    if (asked !== undefined) this.#feed(asked, { type: "Cancelled", ownerUninterrupted, operator });
  }

  #crash(): void {
    const victim = this.#coordinators[this.#now % this.#coordinators.length];
    if (victim !== undefined) victim.alive = false;
  }

  /** Anybody, at any time: leases are hints, and the former owner may still be alive (R2). */
  #takeOver(): void {
    if (isEnded(this.record) || this.coverage.takeovers > 8) return;
    const taker = { owner: `c${this.#coordinators.length}`, epoch: nextEpoch(this.#now, this.record.epoch) };
    const write = writeTakeover(this.record, { seen: this.record, taker, now: this.#now });
    assert.equal(write.kind, "written");
    this.#keep(write);
    this.coverage.takeovers += 1;
    this.#feed(this.#enter("recoverer", write.record), { type: "TakenOver" });
  }

  /** The log fails over and has lost its last write, once. */
  #loseLastWrite(): void {
    if (this.#beforeLastWrite === undefined || this.coverage.lostWrites > 0) return;
    this.record = this.#beforeLastWrite;
    this.coverage.lostWrites += 1;
  }

  #replaceOwner(): void {
    const { owner } = this.record;
    const holder = this.#coordinators.find(({ name, alive }) => name === owner && alive);
    if (holder?.state.stage === "voting") return this.#deadline(true);
    assert.equal(holder, undefined, `S7: ${holder?.state.stage} owner has nothing under way`);
    this.coverage.takeovers = 0;
    this.#takeOver();
  }

  #checkBranches(): void {
    const states = [...this.#branches.values()].map((branch) => branch.state);
    assert.ok(!(states.some(isForwardFinal) && states.some(isBackwardFinal)), `S1: ${states.join()}`);
  }
}

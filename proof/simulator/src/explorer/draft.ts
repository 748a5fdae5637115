// A state under construction: the effects of one step, as produced by the driver and the log of the orchestrator.
import {
  type BranchRecord,
  type BranchSpec,
  type Command,
  type CoordinatorEffect,
  type CoordinatorEvent,
  coordinatorState,
  type Decision,
  decisionOf,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  type Protocol,
  type TransactionRecord,
  type Verb,
  verbRole,
} from "assent/internal/protocol";
import { type Machines, realMachines } from "./machines.ts";
import { keyOfMessage, type Unkeyed } from "./message-key.ts";
import { isStale } from "./stale.ts";
import type { Driver, LogWrite, Message, MessageOf, Notice, Ruling, WorldState } from "./world-state.ts";
import { begunAt, branchName, branchSpecs, type Budgets, times, type World, worldLimits } from "./world.ts";

const txId = "order:1:1";
const origin = "origin of order:1:1";

/** Shared by the steps of one world. */
export class Setting {
  readonly world: World;
  readonly machines: Machines;
  readonly specs: readonly BranchSpec[];
  readonly depth: number;

  constructor(world: World) {
    this.world = world;
    this.machines = { ...realMachines, ...world.machines };
    this.specs = branchSpecs(world);
    this.depth = world.failoverDepth ?? 1;
  }
}

export class Draft {
  readonly setting: Setting;
  readonly notices: Notice[] = [];
  record: TransactionRecord | undefined;
  row: Decision | undefined;
  history: readonly (TransactionRecord | undefined)[];
  drivers: readonly Driver[];
  left: Budgets;
  owners: number;
  time: number;
  returned: readonly Decision[];
  decided: readonly Decision[];
  readonly branches: (BranchRecord | undefined)[];
  readonly finals: WorldState["finals"][number][];
  readonly messages: Message[];

  constructor(setting: Setting, state: WorldState) {
    this.setting = setting;
    this.record = state.record;
    this.row = state.row;
    this.history = state.history;
    this.drivers = state.drivers;
    this.left = state.left;
    this.owners = state.owners;
    this.time = state.time;
    this.returned = state.returned;
    this.decided = state.decided;
    this.branches = [...state.branches];
    this.finals = [...state.finals];
    this.messages = [...state.messages];
  }

  finish(): WorldState {
    this.#drop((message) => isStale(this, message));
    const { record, row, history, drivers, branches, messages, left, owners, time, returned, decided, finals } = this;
    return { record, row, history, drivers, branches, messages, left, owners, time, returned, decided, finals };
  }

  get now(): number {
    return times[this.time as 0] ?? 0;
  }

  spend(budget: keyof Budgets): void {
    this.left = { ...this.left, [budget]: this.left[budget] - 1 };
    if (budget === "failovers" && this.left.failovers === 0) this.history = [];
  }

  /** An epoch for a new owner (R2). A moving clock never gives the same one twice. */
  epochAbove(...seen: readonly number[]): number {
    const clock = this.setting.world.clock === "still" ? begunAt : begunAt + this.owners;
    return this.setting.machines.nextEpoch(clock, ...seen);
  }

  newProcess(): string {
    this.owners += 1;
    return `p${this.owners - 1}`;
  }

  /** The attempt begins, or begins again: the log has no record of it. */
  begin(protocol: Protocol): void {
    const epoch = this.epochAbove();
    const owner = this.newProcess();
    const record = newRecord({ protocol, epoch, owner, begunAt: this.time === 0 ? begunAt : this.now });
    this.write(record);
    this.drive(owner, record, "owner");
  }

  /** R5: a branch asks about a missing record. `by`: a process that believes it drives the record. */
  rebuild(question: MessageOf<"question">, by: string | undefined): void {
    const epoch = this.epochAbove(question.epoch);
    const owner = by ?? this.newProcess();
    const { protocol, begunAt: begun } = question;
    const lost = newRecord({ protocol, epoch, owner, begunAt: begun });
    const state = this.row === undefined ? "active" : this.row === "commit" ? "committing" : "aborting";
    const record = this.setting.machines.rebuild({ ...lost, state, rebuilt: true });
    this.write(record);
    if (by === undefined) this.drive(owner, record, "recoverer");
  }

  /** R2, R3: compare-and-set to an unused epoch, then recovery. */
  takeOver(process: string | undefined, seenEpoch = 0): void {
    const { record } = this;
    if (record === undefined) return;
    const taker = { owner: process ?? `p${this.owners}`, epoch: this.epochAbove(record.epoch, seenEpoch) };
    const seen = { owner: record.owner, epoch: record.epoch };
    const write = this.setting.machines.writeTakeover(record, { seen, taker, now: this.now });
    if (write.kind !== "written") return;
    // The clock has moved, even without a new process.
    this.owners += 1;
    this.write(write.record);
    this.drive(taker.owner, write.record, "recoverer");
  }

  write(record: TransactionRecord): void {
    this.notices.push({ type: "RecordWritten", before: this.record, after: record });
    if (this.left.failovers > 0) this.history = [this.record, ...this.history].slice(0, this.setting.depth);
    this.record = record;
    const decision = decisionOf(record);
    if (decision !== undefined && !this.decided.includes(decision)) this.decided = [...this.decided, decision].sort();
  }

  drive(process: string, record: TransactionRecord, role: "owner" | "recoverer"): void {
    const state = coordinatorState({ record, branches: this.setting.specs, role });
    const driver = { id: `${process}@${record.epoch - begunAt}`, process, state };
    this.drivers = [...this.drivers, driver].sort((one, other) => (one.id < other.id ? -1 : 1));
    this.feed(driver, { type: role === "owner" ? "Begun" : "TakenOver" });
  }

  feed(driver: Driver, event: CoordinatorEvent): void {
    const step = this.setting.machines.coordinate(driver.state, event, { now: this.now, limits: worldLimits });
    const stepped = { ...driver, state: step.state };
    if (step.state !== driver.state) {
      this.drivers = this.drivers.map((each) => (each.id === driver.id ? stepped : each));
    }
    for (const effect of step.effects) this.#perform(stepped, effect, driver.state);
    const { stage } = step.state;
    if (stage === "stopped" || stage === "ended") this.close(stepped);
  }

  #perform(by: Driver, effect: CoordinatorEffect, before: Driver["state"]): void {
    switch (effect.type) {
      case "SendCommand":
        return this.#send(by, effect.branchId, effect.verb);
      case "RetryLater":
        return this.#timer(by, { type: "RetryFellDue", branchId: effect.branchId, verb: effect.verb });
      case "WriteDecision": {
        const { decision, reason } = effect;
        this.notices.push({ type: "Intended", by, before, decision, reason: reason ?? "" });
        const { owner, epoch } = by.state.record;
        return this.#post(by, { owner, epoch, decision, ...(reason !== undefined && { reason }) });
      }
      case "WriteEnd":
        return this.#post(by, { owner: by.state.record.owner, epoch: by.state.record.epoch });
      case "WriteRetryLater":
        return this.#timer(by, { type: "WriteRetryFellDue" });
      case "WaitForRelease":
        return this.#timer(by, { type: "ReleaseWaitPassed" });
      case "TellOutcome":
        return this.returnOutcome(effect.outcome.kind === "committed" ? "commit" : "abort");
      case "Park":
        return this.#park(by, effect.note);
      case "TakeOverOwnRecord":
        return this.add({ kind: "reread", process: by.process, seenEpoch: 0 });
      case "StandDown":
        return this.add({ kind: "reread", process: by.process, seenEpoch: effect.seenEpoch ?? 0 });
      case "RaiseAlarm":
        this.notices.push({ type: "Alarmed", code: effect.code, branchId: effect.branchId });
    }
  }

  #park(by: Driver, note: NonNullable<TransactionRecord["parked"]>): void {
    if (this.record === undefined) return;
    const write = this.setting.machines.writePark(this.record, by.state.record, note);
    // Not a separate write in the history: a failover that loses a decision also loses the note after it.
    if (write.kind === "written") this.record = write.record;
  }

  /** P7: the outcome's lifetime is over. The row still has it. */
  removeOutcome(): void {
    this.row = this.record && decisionOf(this.record);
    this.record = undefined;
    this.notices.push({ type: "OutcomeRemoved" });
  }

  returnOutcome(decision: Decision): void {
    this.notices.push({ type: "Returned", decision });
    if (!this.returned.includes(decision)) this.returned = [...this.returned, decision].sort();
  }

  #timer(to: Driver, event: CoordinatorEvent): void {
    this.add({ kind: "timer", to: to.id, event });
  }

  #post(by: Driver, write: LogWrite): void {
    this.add({ kind: "write", from: by.id, write });
  }

  #send(by: Driver, branchId: string, verb: Verb): void {
    const branch = this.setting.specs.findIndex((spec) => spec.branchId === branchId);
    this.notices.push({ type: "Sent", by, branch, verb });
    this.add({ kind: "command", from: by.id, branch, command: this.#command(by, branch, verb) });
  }

  #command(by: Driver, branch: number, verb: Verb): Command {
    const { protocol, epoch, begunAt: begun, deadlineAt } = by.state.record;
    const base = { txId, branchId: branchName(branch), verb, protocol, epoch, begunAt: begun };
    const payload = this.setting.specs[branch]?.payload ?? null;
    switch (verbRole(verb)) {
      case "vote":
        return { ...base, deadlineAt, payload, origin };
      case "query":
        return { ...base, payload, origin };
      case "forward":
        return { ...base, payload };
      case "backward":
      case "forget":
        return base;
    }
  }

  /** The decision in the answer to a question, as the equivalent command. */
  commandOf(branch: number, { epoch, protocol, begunAt: begun }: Ruling, verb: Verb): Command {
    return { txId, branchId: branchName(branch), verb, protocol, epoch, begunAt: begun };
  }

  setBranch(branch: number, after: BranchRecord): void {
    this.notices.push({ type: "BranchChanged", branch, before: this.branches[branch], after });
    this.branches[branch] = after;
    // A tombstone removed after its lifetime does not block a later incarnation.
    if (isYesState(after.state)) this.finals[branch] = undefined;
    if (isForwardFinal(after.state)) this.finals[branch] = "forward";
    if (isBackwardFinal(after.state)) this.finals[branch] = "backward";
  }

  add(message: Unkeyed<Message>): void {
    const key = keyOfMessage(message);
    const at = this.messages.findIndex((each) => each.key > key);
    this.messages.splice(at === -1 ? this.messages.length : at, 0, { ...message, key } as Message);
  }

  take(message: Message): void {
    this.messages.splice(
      this.messages.findIndex(({ key }) => key === message.key),
      1,
    );
  }

  driver(id: string): Driver | undefined {
    return this.drivers.find((each) => each.id === id);
  }

  /** Leftovers of a driver that stops: commands and writes that no process waits for. */
  close({ id }: Driver): void {
    this.drivers = this.drivers.filter((each) => each.id !== id);
    this.#drop((message) => "to" in message && message.to === id);
    for (const message of this.messages.filter((each) => "from" in each && each.from === id)) {
      this.take(message);
      this.add({ ...message, from: "" } as Message);
    }
  }

  crash(process: string): void {
    for (const driver of this.drivers) if (driver.process === process) this.close(driver);
    this.#drop((message) => message.kind === "reread" && message.process === process);
  }

  #drop(isDropped: (message: Message) => boolean): void {
    for (let at = this.messages.length - 1; at >= 0; at -= 1) {
      const message = this.messages[at];
      if (message !== undefined && isDropped(message)) this.messages.splice(at, 1);
    }
  }
}

function newRecord(named: Pick<TransactionRecord, "protocol" | "epoch" | "owner" | "begunAt">): TransactionRecord {
  const deadlineAt = named.begunAt + worldLimits.phaseOneDeadlineMs;
  const fixed = { txId, key: "order", definition: "checkout", definitionHash: 1, input: null } as const;
  return { ...fixed, ...named, state: "active", deadlineAt, changedAt: named.begunAt };
}

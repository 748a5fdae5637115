// Watches the stores of a world and checks every commit against the rules while the world runs.
import { accountTable } from "assent/ledger";
import type { Row, Table } from "assent/internal/ports";
import {
  type BranchRecord,
  type BranchSpec,
  type Command,
  decisionOf,
  isBackwardFinal,
  isEnded,
  isYesState,
  type Limits,
  parseTransactionId,
  type TransactionRecord,
} from "assent/internal/protocol";
import {
  branchesDueTable,
  branchesRemovableTable,
  type BoundOperations,
  branchTable,
  changesIn,
  originTable,
  recordTable,
  removableTable,
  rowTable,
  unfinishedKey,
  unfinishedTable,
  type Writes,
} from "assent/internal/engine";
import type { SimulatedStore } from "../simulated-store.ts";
import type { Trace } from "../trace.ts";
import type { VirtualClock } from "assent/testing";
import { checkAccount } from "./account-checker.ts";
import { BranchChecker } from "./branch-checker.ts";
import { checkRecord, checkRemoved } from "./log-checker.ts";
import { type Change, changeOf, Mirror } from "./mirror.ts";
import { checkSent } from "./send-checker.ts";
import type { Report, Violation } from "./violation.ts";
import { watchedOperations } from "./watched-operations.ts";

/** Tables whose entries are all removed eventually. */
const passing: readonly Table[] = [
  recordTable,
  unfinishedTable,
  removableTable,
  branchTable,
  originTable,
  branchesDueTable,
  branchesRemovableTable,
];

export interface HistoryOptions {
  readonly time: VirtualClock;
  readonly trace: Trace;
  readonly limits: Limits;
  /** The frozen branch list of a record. */
  readonly planOf: (record: TransactionRecord) => readonly BranchSpec[];
  /** Name of the store of a service's branches. */
  readonly storeOf: (spec: BranchSpec) => string;
}

export class History {
  readonly violations: Violation[] = [];
  /** Transactions that began. */
  transactions = 0;
  readonly #options: HistoryOptions;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #intended = new Set<string>();
  readonly #lostVotes = new Map<string, BranchRecord>();
  /** The counter of each owner's latest known lease, and its value when each transaction began. */
  readonly #leaseCounters = new Map<string, number>();
  readonly #leaseAtBegin = new Map<string, number>();
  readonly #owners = new Set<string>();
  /** A store has gone back to an earlier state. */
  #hasLost = false;
  readonly #branchChecker: BranchChecker;
  readonly #report: Report = (violation) => {
    this.violations.push(violation);
    this.#options.trace.add(`VIOLATION ${violation.rule} ${violation.text}`);
  };
  #log = "";

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#branchChecker = new BranchChecker(this.#report);
  }

  /** The operations of a store, with the rules of each step checked inside it. */
  watched(operations: BoundOperations): BoundOperations {
    const { limits, planOf } = this.#options;
    const isTombstone = (txId: string, spec: BranchSpec): boolean => {
      const state = this.branch(txId, spec)?.state;
      return state !== undefined && isBackwardFinal(state);
    };
    return watchedOperations(operations, {
      limits,
      report: this.#report,
      hasTombstone: (record) => planOf(record).some((spec) => isTombstone(record.txId, spec)),
    });
  }

  /** Watches a store from now on. `log`: whether it contains the transaction records. */
  watch(store: SimulatedStore, log = false): void {
    if (log) this.#log = store.name;
    if (this.#mirrors.has(store.name)) this.#hasLost = true;
    const mirror = new Mirror();
    for (const writes of store.engine.commits) mirror.apply(writes);
    this.#mirrors.set(store.name, mirror);
    store.engine.watcher = (writes) => {
      const changes = mirror.apply(writes);
      for (const change of changes) this.#check(store.name, change);
    };
  }

  /** Whether these newest commits of a store changed the owner of a transaction that existed before them. */
  changesOwner(store: string, tail: readonly Writes[]): boolean {
    const records = tail.flatMap((writes) => [...changesIn(writes, recordTable).values()]);
    const owners = new Map<string, Set<string>>();
    for (const record of records) {
      if (record === undefined) continue;
      const { txId, owner, epoch, begunAt } = record;
      const seen = owners.get(txId) ?? new Set<string>();
      owners.set(txId, seen.add(owner));
      if (seen.size > 1 || (epoch !== begunAt && this.mirror(store).get(recordTable, txId) !== undefined)) return true;
    }
    return false;
  }

  report(violation: Violation): void {
    this.#report(violation);
  }

  mirror(store: string): Mirror {
    return this.#mirrors.get(store) ?? new Mirror();
  }

  record(txId: string): TransactionRecord | undefined {
    return this.mirror(this.#log).get(recordTable, txId);
  }

  /** The state recorded by a branch, or a vote that its store has lost since. */
  branch(txId: string, spec: BranchSpec): BranchRecord | undefined {
    return this.#stored(txId, spec) ?? this.#lostVotes.get(`${txId}/${spec.branchId}`);
  }

  #stored(txId: string, spec: BranchSpec): BranchRecord | undefined {
    const mirror = this.mirror(this.#options.storeOf(spec));
    return mirror.get(branchTable, `${txId}/${spec.branchId}`);
  }

  /** A store is about to lose these commits, with the votes in them that were already received. */
  noteLostVotes(tail: readonly Writes[]): void {
    for (const writes of tail) {
      for (const [key, record] of changesIn(writes, branchTable)) {
        if (record === undefined) this.#lostVotes.delete(key);
        else this.#lostVotes.set(key, record);
      }
    }
  }

  /** An owner requests a decision. The write may be repeated for long (C2): only the first time counts. */
  noteIntent({ txId, owner, epoch, reason }: { txId: string; owner: string; epoch: number; reason?: string }): void {
    const { time, limits } = this.#options;
    const name = `${txId}@${epoch}`;
    if (this.#intended.has(name)) return;
    this.#intended.add(name);
    const deadlineAt = this.record(txId)?.deadlineAt ?? Infinity;
    if (reason === "timeout" && time.now() > deadlineAt + limits.takeoverGraceMs + 2 * limits.clockSkewMs) {
      this.#report({ rule: "C6", text: "decided on silence although it had stalled for too long", txId });
    }
    const leaseAtBegin = this.#leaseAtBegin.get(txId);
    if (reason === "timeout" && leaseAtBegin !== undefined && leaseAtBegin !== this.#leaseCounters.get(owner)) {
      this.#report({ rule: "C6", text: "decided on silence although its lease had lapsed since it began", txId });
    }
  }

  /** R1: a process starts under this name. */
  noteOwner(owner: string): void {
    if (this.#owners.has(owner)) this.#report({ rule: "R1", text: `${owner} is also the name of an earlier process` });
    this.#owners.add(owner);
  }

  /** An owner has received the acknowledgement of its lease. */
  noteLease(owner: string, counter: number): void {
    this.#leaseCounters.set(owner, counter);
  }

  /** R5: an owner requests the rebuild of a lost record. One of its branches has asked, with a lower epoch. */
  noteRebuild(record: TransactionRecord): void {
    const epochs = this.#options.planOf(record).flatMap((spec) => this.branch(record.txId, spec)?.epoch ?? []);
    if (epochs.length === 0 || epochs.some((epoch) => epoch < record.epoch)) return;
    this.#report({
      rule: "R5",
      text: `epoch ${record.epoch} is not above any branch that can have asked`,
      txId: record.txId,
    });
  }

  /** A coordinator sends these. Its knowledge of branches may come from an incarnation that a store has lost. */
  noteSent(commands: readonly Command[]): void {
    if (this.#hasLost) return;
    for (const command of commands) {
      const record = this.record(command.txId);
      if (record === undefined) continue;
      const branches = this.#options.planOf(record);
      checkSent(command, { branches, branch: (spec) => this.branch(command.txId, spec) }, this.#report);
    }
  }

  /** C3, C5, when a result is returned: success is durable by then; so is failure, with at least one tombstone. */
  checkTold(txId: string, outcome: "committed" | "aborted"): void {
    const record = this.record(txId);
    // The record of an ended transaction may be gone; its row keeps the outcome for ever.
    const row = this.mirror(this.#log).get(rowTable, parseTransactionId(txId).key);
    const known = record === undefined ? row?.outcome : wordOf(record);
    if (known !== outcome)
      this.#report({ rule: "C3", text: `returned ${outcome}, but the log has ${known ?? "nothing"}`, txId });
    if (outcome === "committed" || record === undefined) return;
    const branches = this.#options.planOf(record);
    const dead = branches.some((spec) => {
      const state = this.branch(txId, spec)?.state;
      return state !== undefined && isBackwardFinal(state);
    });
    const isOld = this.#options.time.now() > record.begunAt + this.#options.limits.maxAgeMs;
    if (branches.length > 0 && !dead && !isOld) {
      this.#report({ rule: "C5", text: "returned failure without a tombstone", txId });
    }
  }

  #check(store: string, change: Change): void {
    const branch = changeOf(change, branchTable);
    if (branch !== undefined) this.#checkBranch(store, branch.before, branch.after);
    const record = changeOf(change, recordTable);
    if (record?.after !== undefined) this.#checkLog(record.before, record.after);
    else if (record !== undefined) this.#checkRemoval(record.before);
    const row = changeOf(change, rowTable);
    if (row?.before !== undefined) this.#checkRow(row.before, row.after);
    const account = changeOf(change, accountTable)?.after;
    if (account !== undefined) checkAccount(`${store} ${change.key}`, account, this.#report);
  }

  /** S4, S5: a success is permanent. */
  #checkRow(before: Row, after: Row | undefined): void {
    if (before.outcome !== "committed" || after?.outcome === "committed") return;
    if (after !== undefined && after.incarnation !== before.incarnation) return;
    this.#report({ rule: "S4", text: `row ${before.key} was committed but is ${after?.outcome ?? "gone"}` });
  }

  #checkBranch(store: string, before: BranchRecord | undefined, after: BranchRecord | undefined): void {
    if (after !== undefined && after.state !== before?.state) {
      this.#options.trace.add(`${store} ${after.txId} ${after.branchId} is ${after.state} ${after.refusal ?? ""}`);
    }
    this.#branchChecker.check(before, after);
    if (after?.forgotten !== true || before?.forgotten === true || this.#hasLost) return;
    const record = this.record(after.txId);
    if (record === undefined || isEnded(record)) return;
    const text = `${after.branchId} got forget while its transaction was ${record.state}`;
    this.#report({ rule: "P7", text, txId: after.txId });
  }

  #checkLog(before: TransactionRecord | undefined, after: TransactionRecord): void {
    const { planOf, trace } = this.#options;
    if (before?.state !== after.state || before.owner !== after.owner) {
      trace.add(`log ${after.txId} is ${after.state} of ${after.owner} @${after.epoch} ${after.reason ?? ""}`);
    }
    if (before === undefined) {
      this.transactions += 1;
      const counter = this.#leaseCounters.get(after.owner);
      if (counter !== undefined) this.#leaseAtBegin.set(after.txId, counter);
    }
    const log = this.mirror(this.#log);
    const around = {
      row: log.get(rowTable, after.key),
      isIndexed: log.get(unfinishedTable, unfinishedKey(after)) !== undefined,
      branches: planOf(after),
      branch: (txId: string, spec: BranchSpec) => this.branch(txId, spec),
      final: (txId: string, { branchId }: BranchSpec) => this.#branchChecker.finalOf(txId, branchId),
    };
    checkRecord({ before, after }, around, this.#report);
  }

  /** S7: unresolved records are never trimmed, and neither is their history. */
  #checkRemoval(before: TransactionRecord | undefined): void {
    if (before === undefined) return;
    // A branch whose vote was lost no longer asks.
    const branch = (txId: string, spec: BranchSpec): BranchRecord | undefined => this.#stored(txId, spec);
    const { planOf, time, limits } = this.#options;
    const around = { branches: planOf(before), branch, now: time.now(), maxAgeMs: limits.maxAgeMs };
    checkRemoved(before, around, this.#report);
  }

  /** Whether every transaction has ended, and no branch waits for a decision. */
  isQuiet(): boolean {
    if (this.mirror(this.#log).entries(unfinishedTable).size > 0) return false;
    return [...this.#mirrors.values()].every((mirror) =>
      [...mirror.entries(branchTable).values()].every(({ state }) => !isYesState(state)),
    );
  }

  /** Records that are kept for a limited time, and index entries about them. At the end of a world there are none. */
  leftovers(): readonly { readonly table: string; readonly key: string }[] {
    return [...this.#mirrors.values()].flatMap((mirror) =>
      passing.flatMap((table) => [...mirror.entries(table).keys()].map((key) => ({ table: table.name, key }))),
    );
  }

  /** Records that have not ended. */
  unfinished(): readonly TransactionRecord[] {
    return [...this.mirror(this.#log).entries(recordTable).values()].filter((record) => !isEnded(record));
  }
}

/** The outcome of a record; undecided records have none. */
function wordOf(record: TransactionRecord): "committed" | "aborted" | undefined {
  const decision = decisionOf(record);
  if (decision === undefined) return undefined;
  return decision === "commit" ? "committed" : "aborted";
}

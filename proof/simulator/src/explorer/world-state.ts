// One state of a world: the log, the drivers that are alive, the branches, what is under way, what is left to go wrong,
// and what must be remembered to judge it. Immutable; parts are shared between states.
import type {
  Answer,
  BranchRecord,
  Command,
  CoordinatorEvent,
  CoordinatorState,
  Decision,
  Protocol,
  TransactionRecord,
  Verb,
} from "assent/internal/protocol";
import type { Budgets } from "./world.ts";

/** A process that drives the transaction. One that has died, stood down or ended is no part of the state. */
export interface Driver {
  /** Process and epoch: a process that takes its own record over is a new driver. */
  readonly id: string;
  readonly process: string;
  readonly state: CoordinatorState;
}

/** Something under way. `key` is its canonical text; reordering is free, because these are a multiset. */
export type Message = { readonly key: string } & (
  | { readonly kind: "command"; readonly from: string; readonly branch: number; readonly command: Command }
  | {
      readonly kind: "reply";
      readonly to: string;
      readonly branch: number;
      readonly verb: Verb;
      readonly answer: Answer;
    }
  | { readonly kind: "write"; readonly from: string; readonly write: LogWrite }
  | { readonly kind: "written"; readonly to: string; readonly write: LogWrite; readonly event: CoordinatorEvent }
  | { readonly kind: "timer"; readonly to: string; readonly event: CoordinatorEvent }
  /** Ownership was lost or given up: the process reads the record again, and goes on by R3 if it still may. */
  | { readonly kind: "reread"; readonly process: string; readonly seenEpoch: number }
  | {
      readonly kind: "question";
      readonly branch: number;
      readonly epoch: number;
      readonly begunAt: number;
      readonly protocol: Protocol;
    }
  | { readonly kind: "ruling"; readonly branch: number; readonly ruling: Ruling }
);

export type MessageOf<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;

export interface LogWrite {
  readonly owner: string;
  readonly epoch: number;
  /** Absent: the end. */
  readonly decision?: Decision;
  readonly reason?: string;
}

/** A durable decision as the answer to a question (P6). */
export interface Ruling {
  readonly decision: Decision;
  readonly epoch: number;
  readonly ended: boolean;
  readonly protocol: Protocol;
  readonly begunAt: number;
}

/** What a branch ended as; removal does not make it undone. */
export type Final = "forward" | "backward";

export interface WorldState {
  readonly record: TransactionRecord | undefined;
  /** The row's outcome of the attempt, once its record has been removed. */
  readonly row: Decision | undefined;
  /** What the record was before its newest writes, newest first, as far as a failover may still reach. */
  readonly history: readonly (TransactionRecord | undefined)[];
  readonly drivers: readonly Driver[];
  readonly branches: readonly (BranchRecord | undefined)[];
  /** Sorted by key. */
  readonly messages: readonly Message[];
  readonly left: Budgets;
  /** Owners so far: names and, where the clock moves, epochs follow from it. */
  readonly owners: number;
  /** Index into `times`. */
  readonly time: number;
  readonly told: readonly Decision[];
  /** Decisions that have been durable at some time. */
  readonly decided: readonly Decision[];
  readonly finals: readonly (Final | undefined)[];
}

/** Something that a step did and that the rules have a say in. */
export type Notice =
  | {
      readonly type: "BranchChanged";
      readonly branch: number;
      readonly before: BranchRecord | undefined;
      readonly after: BranchRecord;
    }
  | { readonly type: "EffectRepeated"; readonly branch: number }
  | {
      readonly type: "RecordWritten";
      readonly before: TransactionRecord | undefined;
      readonly after: TransactionRecord;
    }
  | {
      readonly type: "Intended";
      readonly by: Driver;
      readonly before: CoordinatorState;
      readonly decision: Decision;
      readonly reason: string;
    }
  | { readonly type: "Sent"; readonly by: Driver; readonly branch: number; readonly verb: Verb }
  | { readonly type: "Told"; readonly decision: Decision }
  /** The outcome was removed from the log. */
  | { readonly type: "OutcomeRemoved" }
  | { readonly type: "Alarmed"; readonly code: string; readonly branchId: string };

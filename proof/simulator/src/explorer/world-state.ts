// One state of a world: the log, the live drivers, the branches, the elements in flight, the remaining budgets, and the
// facts needed to check it. Immutable; parts are shared between states.
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

/** A process that drives the transaction. Dead, stopped and finished processes are not part of the state. */
export interface Driver {
  /** Process and epoch: a process that takes over its own record is a new driver. */
  readonly id: string;
  readonly process: string;
  readonly state: CoordinatorState;
}

/** An element in flight. `key` is its canonical text; elements form a multiset, so reordering costs nothing. */
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
  /** Ownership was lost or given up: the process reads the record again, and continues by R3 if it still may. */
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

/** The final state of a branch; removal does not undo it. */
export type Final = "forward" | "backward";

export interface WorldState {
  readonly record: TransactionRecord | undefined;
  /** The row's outcome of the attempt, once its record has been removed. */
  readonly row: Decision | undefined;
  /** The versions of the record before its newest writes, newest first, as far as a failover may reach. */
  readonly history: readonly (TransactionRecord | undefined)[];
  readonly drivers: readonly Driver[];
  readonly branches: readonly (BranchRecord | undefined)[];
  /** Sorted by key. */
  readonly messages: readonly Message[];
  readonly left: Budgets;
  /** Owners so far: names and, if the clock moves, epochs follow from it. */
  readonly owners: number;
  /** Index into `times`. */
  readonly time: number;
  readonly returned: readonly Decision[];
  /** Decisions that have ever been durable. */
  readonly decided: readonly Decision[];
  readonly finals: readonly (Final | undefined)[];
}

/** An event of a step that the rules check. */
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
  | { readonly type: "Returned"; readonly decision: Decision }
  /** The outcome was removed from the log. */
  | { readonly type: "OutcomeRemoved" }
  | { readonly type: "Alarmed"; readonly code: string; readonly branchId: string };

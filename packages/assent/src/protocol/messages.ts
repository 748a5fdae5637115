// What coordinators and participants say to each other. The codec turns these into bytes.
import type { Json } from "./json.ts";
import type { BranchState, Decision, Protocol, Verb } from "./verbs.ts";

/** One participant's part of one transaction, frozen before the first message. */
export interface BranchSpec {
  /** Unique in the transaction, such as "stock/0". */
  readonly branchId: string;
  readonly step: string;
  readonly service: string;
  readonly partition: string;
  readonly payload: Json;
  /** Branches that must have voted yes before this one is asked. */
  readonly after: readonly string[];
  /** How long it may take to vote, where that is shorter than phase 1. Milliseconds. */
  readonly withinMs?: number;
}

/**
 * All that is needed to rebuild a lost transaction record (R5); the frozen branch list follows from it, as it follows
 * from the record. Carried as text and stored unread by participants.
 */
export interface TransactionOrigin {
  readonly coordinator: string;
  readonly key: string;
  readonly definition: string;
  readonly definitionHash: number;
  readonly input: Json;
  readonly deadlineAt: number;
}

/** An instruction to one branch. */
export interface Command {
  readonly txId: string;
  readonly branchId: string;
  readonly verb: Verb;
  readonly protocol: Protocol;
  readonly epoch: number;
  /** Epoch milliseconds, fixed in the record (P7). */
  readonly begunAt: number;
  /** Present in phase 1 (P8). */
  readonly deadlineAt?: number;
  /** Present in phase 1, in queries and in forward verbs (P9). */
  readonly payload?: Json;
  /** Encoded TransactionOrigin; present in phase 1 and in queries (R5). */
  readonly origin?: string;
}

/** Reason of an `unknown` answer: the handler threw, or returned what no handler may return; a bug of its service. */
export const handlerFailed = "handler_failed";

/** What a branch answers. Only `done` and `refused` are durable facts about it. */
export type Answer =
  /** The branch is in this state, durably. `output`: what its vote returned, unless it was undone. */
  | { readonly kind: "done"; readonly state: BranchState; readonly refusal?: string; readonly output?: Json }
  /** A no vote; the branch is a tombstone now. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Not a vote: outstanding holds may still be released (P10). */
  | { readonly kind: "contended" }
  /** No record and too old; nothing was done and nothing ever will be (P7). */
  | { readonly kind: "expired" }
  /** A higher epoch has been seen (P5). */
  | { readonly kind: "fenced"; readonly epoch: number }
  /** Forward on backward or the reverse (P2). */
  | { readonly kind: "conflict"; readonly state: BranchState }
  /** Same txId, other payload (P4): of a life that the log has lost. Nothing was changed. */
  | { readonly kind: "mismatch" }
  /** A decided effect cannot be applied; an operator has to look (P9). */
  | { readonly kind: "hazard"; readonly reason: string }
  /** The handler failed; nothing was changed, and nothing may be concluded. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** The record may be removed when its age allows. */
  | { readonly kind: "forgotten" };

/** A branch that is not final, or not forgotten, asks what became of its transaction (P6). */
export interface Question {
  readonly txId: string;
  readonly branchId: string;
  readonly protocol: Protocol;
  readonly epoch: number;
  readonly begunAt: number;
  readonly origin: string;
}

export type QuestionAnswer =
  /** A durable decision, fenced by the record's epoch; `ended` lets the branch forget. */
  | { readonly kind: "decided"; readonly decision: Decision; readonly epoch: number; readonly ended: boolean }
  /** Not decided, or not known yet: ask again later. */
  | { readonly kind: "wait" };

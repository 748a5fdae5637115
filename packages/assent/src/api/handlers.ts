// What a service writes to take part: for each action, handlers in one of three shapes (docs/adr/0028).
import type { SchemaInput, SchemaOutput } from "../coordinator/standard-schema.ts";
import type { Json, ActionResult, Protocol } from "../protocol/index.ts";
import type { Action, Actions, OutputOf, RefusalOf } from "./service.ts";

/** What a handler is called with. */
export interface HandlerStep<Db, Input> {
  /** The database transaction that also holds the branch's record. */
  readonly db: Db;
  readonly input: Input;
  /** The attempt at the transaction: `key:incarnation:attempt`. */
  readonly tx: string;
  /** The key that the transaction was run with. */
  readonly key: string;
  /** The name of this branch, unique for ever: an idempotency key for a provider outside the database. */
  readonly branch: string;
  /** Store time, epoch milliseconds. */
  readonly now: number;
  /** Aborted when the handler has taken too long: nothing of it will be kept. */
  readonly signal: AbortSignal;
}

type InputOf<A extends Action> = SchemaOutput<A["input"]>;
type MaybeLater<T> = T | Promise<T>;
/** What a handler returns for the caller, before the schema of the output has parsed it. */
type Result<A extends Action> = A extends { readonly output: infer S } ? SchemaInput<S> : void;

/** Does or reserves, or refuses. What it did before it refused is undone. */
type Vote<A extends Action, Db> = (
  step: HandlerStep<Db, InputOf<A>> & {
    /** Ends the handler, and the transaction, with a reason that the action declares. */
    readonly refuse: (reason: RefusalOf<A>) => never;
  },
) => MaybeLater<Result<A>>;

/** Settles what was done or reserved: it cannot refuse. `output`: what that returned. */
type Settle<A extends Action, Db> = (
  step: HandlerStep<Db, InputOf<A>> & { readonly output: OutputOf<A> },
) => MaybeLater<void>;

/** At once, and undone on failure. In two-phase commit, too, others can see it before the decision. */
export interface DoHandlers<A extends Action, Db> {
  readonly do: Vote<A, Db>;
  readonly undo: Settle<A, Db>;
  readonly reserve?: never;
  readonly prepare?: never;
  readonly execute?: never;
}

/**
 * Reserved first, so that nobody sees what is not decided. A saga reserves and confirms in one step, and undoes what
 * was confirmed; without `undo`, the action does two-phase commit only.
 */
export interface ReserveHandlers<A extends Action, Db> {
  readonly reserve: Vote<A, Db>;
  readonly confirm: Settle<A, Db>;
  readonly release: Settle<A, Db>;
  readonly undo?: Settle<A, Db>;
  readonly do?: never;
  readonly prepare?: never;
  readonly execute?: never;
}

type Operate<A extends Action, Db> = (
  step: HandlerStep<Db, InputOf<A>> & { readonly memo: Json | undefined; readonly output: Json | undefined },
) => MaybeLater<ActionResult>;

/** The operations of the protocol themselves, with results and memos, for what the two shapes cannot say. */
export interface OperationHandlers<A extends Action, Db> {
  readonly prepare?: Operate<A, Db>;
  readonly commit?: Operate<A, Db>;
  readonly abort?: Operate<A, Db>;
  readonly execute?: Operate<A, Db>;
  readonly compensate?: Operate<A, Db>;
  /** A decided commit whose reservation was lost; left out, it waits for an operator. */
  readonly reapply?: Operate<A, Db>;
  readonly do?: never;
  readonly reserve?: never;
}

type ProtocolsOf<A extends Action> = A extends { readonly protocols: readonly (infer P)[] } ? P : Protocol;

/** The shapes that can do every protocol that the action declares; without a declaration, both. */
export type Handlers<A extends Action, Db> =
  | DoHandlers<A, Db>
  | (ReserveHandlers<A, Db> & ("saga" extends ProtocolsOf<A> ? { readonly undo: Settle<A, Db> } : object))
  | (OperationHandlers<A, Db> &
      ("2pc" extends ProtocolsOf<A>
        ? Required<Pick<OperationHandlers<A, Db>, "prepare" | "commit" | "abort">>
        : object) &
      ("saga" extends ProtocolsOf<A> ? Required<Pick<OperationHandlers<A, Db>, "execute" | "compensate">> : object));

/** Handlers for every action of a service. */
export type ServiceHandlers<A extends Actions, Db> = { readonly [Name in keyof A]: Handlers<A[Name], Db> };

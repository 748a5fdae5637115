// The steps of a world's transactions by name, so that a misspelt step or reason does not compile.
import type { AnyTransaction, Refusals, Returned, Transaction } from "../api/transaction.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- of any input
type StepsOf<T extends AnyTransaction> = T extends Transaction<any, infer S> ? S : never;

/** A step of one of the transactions. */
export type StepIn<T extends AnyTransaction> = T extends AnyTransaction ? keyof StepsOf<T> & string : never;

/** Why a step may refuse. */
export type ReasonIn<T extends AnyTransaction, Name extends string> = T extends AnyTransaction
  ? Name extends keyof StepsOf<T>
    ? Refusals<Pick<StepsOf<T>, Name>> & string
    : never
  : never;

/** What a step returns. */
export type OutputIn<T extends AnyTransaction, Name extends string> = T extends AnyTransaction
  ? Name extends keyof StepsOf<T>
    ? Exclude<Returned<StepsOf<T>>[Name], undefined>
    : never
  : never;

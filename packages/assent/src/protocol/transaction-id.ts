// The name of one attempt: key, incarnation and attempt number. The same attempt always gets the same name, so that a
// repeat after a lost record resumes instead of charging again; a new incarnation of the key never reuses one.
import { invariant } from "./invariant.ts";

export interface TransactionIdParts {
  readonly key: string;
  /** Without a colon. */
  readonly incarnation: string;
  /** From 1. */
  readonly attempt: number;
}

/** @throws {InvariantViolation} when the name could not be read back: its row would stay claimed for ever */
export function transactionId({ key, incarnation, attempt }: TransactionIdParts): string {
  invariant(key !== "", "R5", "an attempt has a key");
  invariant(incarnation !== "" && !incarnation.includes(":"), "R5", `"${incarnation}" is no incarnation`);
  invariant(Number.isSafeInteger(attempt), "R5", `${attempt} is no attempt number`);
  return `${key}:${incarnation}:${attempt}`;
}

/** @throws {InvariantViolation} when the text was not made by `transactionId` */
export function parseTransactionId(txId: string): TransactionIdParts {
  const attemptAt = txId.lastIndexOf(":");
  const incarnationAt = txId.lastIndexOf(":", attemptAt - 1);
  invariant(incarnationAt > 0 && attemptAt > incarnationAt, "R5", `${txId} does not name an attempt`);
  const attempt = Number(txId.slice(attemptAt + 1));
  invariant(Number.isSafeInteger(attempt) && attempt >= 1, "R5", `${txId} has no attempt number`);
  return { key: txId.slice(0, incarnationAt), incarnation: txId.slice(incarnationAt + 1, attemptAt), attempt };
}

// The limits of this store, and what holds between them.
import { defaultLimits, invariant } from "assent/internal/protocol";

/** Times that a transaction is run before it fails, changing nothing, because others were in its way. */
export const attemptsMax = 16;
/** How long a statement may wait for a lock that another transaction holds. */
export const lockWaitMs = 4_000;
/** How long one statement may take on the server, waiting included. */
export const statementMaxMs = 8_000;
/** How long a transaction may wait for its next statement before the server ends it, and its locks with it. */
export const idleMaxMs = 10_000;
/** How long an answer of the server is waited for. Then the connection is given up, and a commit in it is unknown. */
export const replyMaxMs = 12_000;
/** Leases removed when a new one is made: each process brings one, so as many go as come. */
export const leasesRemovedMax = 256;

invariant(lockWaitMs < statementMaxMs, "R6", "a wait for a lock is reported as one");
invariant(statementMaxMs < replyMaxMs, "R6", "a slow statement is reported by the server, with nothing changed");
invariant(statementMaxMs <= defaultLimits.answerWaitMs, "P10", "a statement is over before its answer is of no use");
invariant(idleMaxMs >= defaultLimits.answerWaitMs, "P6", "a handler is ended by its own limit, not by the server's");

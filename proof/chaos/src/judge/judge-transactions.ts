// S1, S4 and S7 in the databases: the log against its rows, and against the records of the branches.
import { planBranches } from "assent/internal/coordinator";
import { checkout } from "@assent/order";
import {
  decisionOf,
  defaultLimits,
  isBackwardFinal,
  isForwardFinal,
  isYesState,
  transactionId,
  type TransactionRecord,
} from "assent/internal/protocol";
import { type Participant, participants, type StoreBooks } from "./store-books.ts";

/** @param now epoch milliseconds */
export function judgeTransactions(books: StoreBooks, now: number): readonly string[] {
  return [...judgeEnds(books), ...judgeRows(books), ...judgeDecided(books, now), ...judgeBranches(books)];
}

/** S7: transactions in the active index have not ended, and all others have. */
function judgeEnds({ active, transactions }: StoreBooks): readonly string[] {
  const findings = active.map((txId) => {
    const record = transactions.get(txId);
    const parked = record?.parked === undefined ? "" : `, parked: ${record.parked.reason}`;
    return `S7: transaction ${txId} is unfinished (${record?.state ?? "no record"}${parked})`;
  });
  const isActive = new Set(active);
  for (const { txId, state } of transactions.values()) {
    if (state === "committed" || state === "aborted" || isActive.has(txId)) continue;
    findings.push(`S7: transaction ${txId} is ${state} but in no index: it will never be ended`);
  }
  return findings;
}

/** S4: paid ⇔ committed, once per order. */
function judgeRows({ rows, transactions }: StoreBooks): readonly string[] {
  const findings: string[] = [];
  for (const row of rows.values()) {
    const { key, outcome, attempt } = row;
    if (outcome === "pending") findings.push(`S7: order ${key} is still being checked out`);
    if (outcome !== "committed") continue;
    const record = attempt > 0 ? transactions.get(transactionId(row)) : undefined;
    if (record === undefined) findings.push(`S4: order ${key} is paid, but its attempt ${attempt} has no record`);
    else if (decisionOf(record) !== "commit")
      findings.push(`S4: order ${key} is paid by ${record.txId}, ${record.state}`);
  }
  const committedBy = new Map<string, string>();
  for (const record of transactions.values()) {
    const { key, txId } = record;
    if (decisionOf(record) !== "commit") continue;
    const other = committedBy.get(key);
    if (other !== undefined) findings.push(`S4: order ${key} was paid twice, by ${other} and by ${txId}`);
    committedBy.set(key, txId);
    const row = rows.get(key);
    if (row?.outcome === "committed" && transactionId(row) === txId) continue;
    findings.push(
      `S4: ${txId} is committed, but order ${key} is ${row?.outcome ?? "gone"}, attempt ${row?.attempt ?? 0}`,
    );
  }
  return findings;
}

/** S1: every branch that a transaction must have went in the direction of its decision. */
function judgeDecided(books: StoreBooks, now: number): readonly string[] {
  const findings: string[] = [];
  for (const record of books.transactions.values()) {
    if (decisionOf(record) !== "commit") continue;
    // P7: from then on, forgotten branches may be gone.
    const mayBeGone = now >= record.begunAt + 2 * defaultLimits.maxAgeMs;
    for (const { service, branchId } of planBranches(checkout, record.input, defaultLimits)) {
      const branch = books[service as Participant].branches.get(`${record.txId}/${branchId}`);
      if (branch !== undefined || mayBeGone) continue;
      findings.push(`S1: ${record.txId} is ${record.state}, but ${service} has no branch of it`);
    }
  }
  return findings;
}

/** S1, from the side of the branches: none contradicts its decision, and none waits (S7). */
function judgeBranches(books: StoreBooks): readonly string[] {
  const findings: string[] = [];
  for (const service of participants) {
    for (const { txId, state } of books[service].branches.values()) {
      const record = books.transactions.get(txId);
      const name = `the ${service} branch of ${txId} is ${state}`;
      if (isYesState(state)) findings.push(`S7: ${name}: it waits for a decision (${stateOf(record)})`);
      else if (isForwardFinal(state) && (record === undefined || decisionOf(record) !== "commit")) {
        findings.push(`S1: ${name}, but the transaction is ${stateOf(record)}`);
      } else if (isBackwardFinal(state) && record !== undefined && decisionOf(record) === "commit") {
        findings.push(`S1: ${name}, but the transaction is ${stateOf(record)}`);
      }
    }
  }
  return findings;
}

const stateOf = (record: TransactionRecord | undefined): string => record?.state ?? "not in the log";

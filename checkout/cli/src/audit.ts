// `assent audit`: audits the books, reading only the stores: from a folder that is not in use, or from the databases
// of a running topology.
import {
  areUnmarked,
  bookStoreOfEngine,
  type BooksReport,
  type BookStore,
  type BookStores,
  judgeBooks,
  judgeMarks,
  type LedgerSums,
  readMark,
  type StoreMark,
  type StoreMarks,
} from "@assent/books";
import { judgeFolderMarks } from "./embedded/mark-stores.ts";
import type { DataFolder } from "./embedded/data-folder.ts";
import { openStore, readFolder, type StoreFile } from "./embedded/folder-reader.ts";
import { readRunningBooks } from "./processes/books-reader.ts";
import { databaseNames } from "./processes/paused-databases.ts";
import { databasesOfRunning, type RunningTopology } from "./running-topology.ts";
import { shownFindings } from "./shown-findings.ts";

export interface AuditReport extends Omit<BooksReport, "findings"> {
  /** Problems of stores that were accepted with --accept-stores. */
  readonly accepted: NonNullable<StoreMark["accepted"]>;
  /** Empty when everything adds up. */
  readonly findings: readonly string[];
}

/** @throws {DataFolderInUse} while the system is using it; {NoSuchData} {UnreadableData} */
export function audit(path: string): AuditReport {
  return readFolder(path, auditFolder);
}

/** @throws {NothingRuns} {DatabaseUnreadable} {BooksMoved} */
export async function auditTopology(running: RunningTopology): Promise<AuditReport> {
  const stores = await readRunningBooks(databasesOfRunning(running));
  return auditStores(stores, (marks) => judgeMarks(marks, databaseNames));
}

function auditFolder(folder: DataFolder): AuditReport {
  const opened: (() => void)[] = [];
  const open = (file: StoreFile): BookStore => {
    const { engine, close } = openStore(folder, file);
    opened.push(close);
    return bookStoreOfEngine(file, engine);
  };
  try {
    const stores = { orders: open("orders.db"), stock: open("stock.db"), payment: open("payment.db") };
    return auditStores(stores, (marks) => judgeFolderMarks(folder, marks));
  } finally {
    for (const close of opened) close();
  }
}

function auditStores(stores: BookStores, judge: (marks: StoreMarks) => readonly string[]): AuditReport {
  const marks = { orders: readMark(stores.orders), stock: readMark(stores.stock), payment: readMark(stores.payment) };
  // Written by an earlier version, which did not record replaced amounts.
  const isComplete = !areUnmarked(marks) && marks.orders?.adopted !== true;
  const report = judgeBooks(stores, { isComplete });
  const { stock, payment } = report.findings;
  const findings = [
    ...judge(marks),
    ...shownFindings(stock, stores.stock.name),
    ...shownFindings(payment, stores.payment.name),
  ];
  return { ...report, accepted: marks.orders?.accepted ?? [], findings };
}

/** Amounts that are not safe integers are text. */
export function auditJson(report: AuditReport): string {
  const written = (_name: string, value: unknown): unknown => {
    if (typeof value !== "bigint") return value;
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  };
  return JSON.stringify(report, written, 2);
}

export function printAudit(folder: string, report: AuditReport): void {
  const { stock, credit, orders, unfinished, isExact, accepted, findings } = report;
  const { total, paid, paidUnits, paidCost, paidBefore } = orders;
  console.log(`data in ${folder}`);
  console.log(sumsLine("stock", stock));
  console.log(sumsLine("credit", credit));
  console.log(`orders  ${paid} of ${total} paid: ${paidUnits} units for ${paidCost}`);
  const before = { orders: paidBefore, units: stock.spentBefore, credit: credit.spentBefore };
  if (Object.values(before).some((sum) => sum > 0n)) {
    console.log(
      `replaced by seeding, included in the comparison: ${before.orders} paid orders, ` +
        `${before.units} units and ${before.credit} credit spent`,
    );
  }
  if (!isExact) {
    console.log("an earlier version may have replaced paid orders without keeping sums: the comparison is incomplete");
  }
  for (const { at, problems } of accepted) {
    console.log(`accepted on ${new Date(at).toISOString()} by --accept-stores: ${problems.join(" ")}`);
  }
  console.log(`unfinished transactions: ${unfinished}`);
  for (const finding of findings) console.error(`WRONG: ${finding}`);
  if (findings.length === 0) console.log("everything adds up");
}

function sumsLine(name: string, { deposited, available, held, spent, withdrawn }: LedgerSums): string {
  return (
    `${name.padEnd(7)} deposited ${deposited} = available ${available} + held ${held} + ` +
    `spent ${spent} + withdrawn ${withdrawn}`
  );
}

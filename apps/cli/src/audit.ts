// `assent audit`: conservation, read from the stores alone. The system must not be running on the folder.
import { type Account, accountTable } from "@assent/ledger";
import type { Row, Tables } from "@assent/orchestrator";
import type { OrderFields } from "@assent/order";
import { formerIndexTable, replacedCommitted, unfinishedTable } from "@assent/store-keyed";
import type { DataFolder } from "./embedded/data-folder.ts";
import { readFolder, readStore } from "./embedded/folder-reader.ts";

const amounts = ["deposited", "available", "held", "spent", "withdrawn"] as const;

/** Exact, however large: deposited = available + held + spent + withdrawn. */
export type Totals = Readonly<Record<(typeof amounts)[number] | "accounts", bigint>>;

export interface AuditReport {
  readonly stock: Totals;
  readonly credit: Totals;
  readonly orders: {
    readonly total: number;
    readonly paid: number;
    readonly paidUnits: bigint;
    readonly paidCost: bigint;
    /** Paid orders that were seeded over: what they cost is not known any more. */
    readonly paidReplaced: number;
  };
  /** Transactions that have not ended: the next start finishes them. */
  readonly unfinished: number;
  /** Empty when everything adds up. */
  readonly findings: readonly string[];
}

const pageRows = 10_000;

/** @throws {DataFolderInUse} while the system is running on it; {NoSuchData} */
export function audit(path: string): AuditReport {
  return readFolder(path, auditFolder);
}

function auditFolder(folder: DataFolder): AuditReport {
  const stock = readStore(folder, "stock.db", totalsOf);
  const credit = readStore(folder, "payment.db", totalsOf);
  const { orders, unfinished } = readStore(folder, "orders.db", readOrders);
  return { stock, credit, orders, unfinished, findings: judge({ stock, credit, orders, unfinished }) };
}

function judge({ stock, credit, orders, unfinished }: Omit<AuditReport, "findings">): string[] {
  const findings: string[] = [];
  for (const [name, totals] of Object.entries({ stock, credit })) {
    const { deposited, available, held, spent, withdrawn } = totals;
    if (deposited !== available + held + spent + withdrawn) findings.push(`${name} was made or lost`);
    if (unfinished === 0 && held !== 0n) findings.push(`${held} of ${name} is held by nobody`);
  }
  // Seeding accounts again forgets what was spent from them; seeding orders again forgets what was paid for.
  if (unfinished > 0 || orders.paidReplaced > 0) return findings;
  if (stock.spent > orders.paidUnits) findings.push(`${stock.spent} units went for ${orders.paidUnits}`);
  if (credit.spent > orders.paidCost) findings.push(`${credit.spent} was paid for ${orders.paidCost}`);
  return findings;
}

function totalsOf(tables: Tables): Totals {
  const totals = { accounts: 0n, deposited: 0n, available: 0n, held: 0n, spent: 0n, withdrawn: 0n };
  for (const value of allOf(tables, accountTable)) {
    totals.accounts += 1n;
    for (const name of amounts) totals[name] += BigInt((value as Account)[name]);
  }
  return totals;
}

function readOrders(tables: Tables): Pick<AuditReport, "orders" | "unfinished"> {
  const orders = { total: 0, paid: 0, paidUnits: 0n, paidCost: 0n, paidReplaced: replacedCommitted(tables) };
  for (const value of allOf(tables, "rows")) {
    const { outcome, fields } = value as Row;
    orders.total += 1;
    if (outcome !== "committed") continue;
    const { units, total } = fields as unknown as OrderFields;
    orders.paid += 1;
    orders.paidUnits += BigInt(units);
    orders.paidCost += BigInt(total);
  }
  let unfinished = 0;
  // A folder that an earlier version has left has them in its index.
  for (const index of [unfinishedTable, formerIndexTable]) for (const _ of allOf(tables, index)) unfinished += 1;
  return { orders, unfinished };
}

function* allOf(tables: Tables, table: string): Generator<unknown> {
  let after: string | undefined;
  for (;;) {
    const page = tables.scan(table, { ...(after !== undefined && { after }), limit: pageRows });
    for (const [, value] of page) yield value;
    after = page.at(-1)?.[0];
    if (page.length < pageRows) return;
  }
}

/** Amounts that a number of JavaScript cannot hold are text. */
export function auditJson(report: AuditReport): string {
  const written = (_name: string, value: unknown): unknown => {
    if (typeof value !== "bigint") return value;
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  };
  return JSON.stringify(report, written, 2);
}

export function printAudit(folder: string, report: AuditReport): void {
  const row = (name: string, { deposited, available, held, spent, withdrawn }: Totals): string =>
    `${name.padEnd(7)} deposited ${deposited} = available ${available} + held ${held} + ` +
    `spent ${spent} + withdrawn ${withdrawn}`;
  const { total, paid, paidUnits, paidCost, paidReplaced } = report.orders;
  console.log(`data in ${folder}`);
  console.log(row("stock", report.stock));
  console.log(row("credit", report.credit));
  console.log(`orders  ${paid} of ${total} paid: ${paidUnits} units for ${paidCost}`);
  if (paidReplaced > 0) console.log(`${paidReplaced} paid orders were seeded over: what was spent cannot be compared`);
  console.log(`unfinished transactions: ${report.unfinished}`);
  for (const finding of report.findings) console.error(`WRONG: ${finding}`);
  if (report.findings.length === 0) console.log("everything adds up");
}

// Checks that the stores belong together. Each has a mark: its system, and the last start that it recorded. The mark
// reveals a store that is empty, belongs to another system, or is older than the last start (ADR 0018).
//
// A start is recorded in orders.db as intended, then in the other stores, then confirmed in orders.db. Only then does
// the system serve requests. So a start interrupted at any point leaves marks that the next start accepts.
import { table, type Table, type Tables } from "assent/internal/ports";

export interface Start {
  readonly number: number;
  /** Distinguishes starts with the same number, which occur when two copies of one folder are started. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface StoreMark {
  readonly system: string;
  /** In orders.db the intended start, elsewhere the last start that this store recorded. */
  readonly start: Start;
  /** Set from a start to its clean shutdown: meanwhile the newest commits may be in files next to this one. */
  readonly isRunning?: true;
  /** Only in orders.db: the last start recorded by every store. */
  readonly confirmed?: Start;
  /** Only in orders.db: an earlier version recorded less, so seeding may explain a missing amount. */
  readonly adopted?: true;
  /** Only in orders.db: the findings that were accepted, and when. */
  readonly accepted?: readonly { readonly at: number; readonly problems: readonly string[] }[];
}

export interface StoreMarks {
  readonly orders: StoreMark | undefined;
  readonly stock: StoreMark | undefined;
  readonly payment: StoreMark | undefined;
}

/** Store names used in messages. */
export type StoreNames = Readonly<Record<keyof StoreMarks, string>>;

const fileNames: StoreNames = { orders: "orders.db", stock: "stock.db", payment: "payment.db" };

export const markTable: Table<StoreMark> = table("marks", "records");
const markKey = "store";

export function readMark(tables: Pick<Tables, "get">): StoreMark | undefined {
  return tables.get(markTable, markKey);
}

export function writeMark(tables: Pick<Tables, "put">, mark: StoreMark): void {
  tables.put(markTable, markKey, mark);
}

/** Whether no store was ever started by a version that writes marks. */
export function areUnmarked({ orders, stock, payment }: StoreMarks): boolean {
  return orders === undefined && stock === undefined && payment === undefined;
}

/** Reasons why the stores do not belong together, each naming its store. Empty if they do. */
export function judgeMarks(marks: StoreMarks, names: StoreNames = fileNames): readonly string[] {
  const { orders, stock, payment } = marks;
  if (areUnmarked(marks)) return [];
  if (orders === undefined)
    return [`${names.orders} is empty or belongs to another system: it has no mark, but the others do.`];
  const judged = { mark: orders, name: names.orders };
  return [...judgeMark(names.stock, stock, judged), ...judgeMark(names.payment, payment, judged)];
}

function judgeMark(
  file: string,
  mark: StoreMark | undefined,
  orders: { readonly mark: StoreMark; readonly name: string },
): readonly string[] {
  const { system, start, confirmed } = orders.mark;
  if (mark === undefined) {
    if (confirmed === undefined) return [];
    return [`${file} is empty or belongs to another system: it has no mark, but ${orders.name} does.`];
  }
  if (mark.system !== system) return [`${file} and ${orders.name} belong to different systems.`];
  const seen = mark.start;
  if (seen.token === start.token || seen.token === confirmed?.token) return [];
  if (confirmed !== undefined && seen.number < confirmed.number) {
    return [`${file} is older than ${orders.name}: it is from before the start of ${dateOf(confirmed)}.`];
  }
  if (seen.number > start.number) {
    return [`${orders.name} is older than ${file}: it is from before the start of ${dateOf(seen)}.`];
  }
  return [`${file} and ${orders.name} are from different copies of this system, which were started separately.`];
}

/**
 * Stores that were copied while a system was using them, and lack the commits in the files next to them.
 * @param beside the system named by the folder's own file, which a copy of single stores lacks
 */
export function judgeCopies(marks: StoreMarks, beside: string | undefined): readonly string[] {
  const files = { "orders.db": marks.orders, "stock.db": marks.stock, "payment.db": marks.payment };
  return Object.entries(files).flatMap(([file, mark]: readonly [string, StoreMark | undefined]) => {
    if (mark?.isRunning !== true || mark.system === beside) return [];
    const since = `writes since the start of ${dateOf(mark.start)} may be missing`;
    return [`${file} was copied without its log while the system was running: ${since}.`];
  });
}

/** The mark of a store that is not in use: its single file is complete. */
export function stopped(mark: StoreMark): StoreMark {
  const { isRunning: _isRunning, ...rest } = mark;
  return rest;
}

const dateOf = ({ at }: Start): string => new Date(at).toISOString();

export interface MarkedStore {
  readonly read: () => StoreMark | undefined;
  /** Durable when it returns. */
  readonly write: (mark: StoreMark) => void;
}

export interface StartRequest {
  /** The new start; its number is assigned here. */
  readonly start: Omit<Start, "number">;
  /** For a system whose stores have no marks yet. */
  readonly system: string;
  /** Whether such stores contain data, and so come from an earlier version. */
  readonly hasData: boolean;
  /** The findings, if they are accepted. */
  readonly accepted: readonly string[];
}

/** Marks a start in all three stores. Call it only if they belong together, or have been accepted. */
export function markStart(stores: Readonly<Record<keyof StoreMarks, MarkedStore>>, request: StartRequest): void {
  const { orders, stock, payment } = stores;
  const marks = { orders: orders.read(), stock: stock.read(), payment: payment.read() };
  for (const { store, mark } of marksOfStart(marks, request)) stores[store].write(mark);
}

/** The marks of a start, to be written in this order, each durable before the next. */
export function marksOfStart(
  marks: StoreMarks,
  request: StartRequest,
): readonly { readonly store: keyof StoreMarks; readonly mark: StoreMark }[] {
  const intended = intendedMark(marks, request);
  const { system, start } = intended;
  const mark = { system, start, isRunning: true } as const;
  return [
    { store: "orders", mark: intended },
    { store: "stock", mark },
    { store: "payment", mark },
    { store: "orders", mark: { ...intended, confirmed: start } },
  ];
}

function intendedMark(marks: StoreMarks, { start, system, hasData, accepted }: StartRequest): StoreMark {
  const before = marks.orders;
  const numbers = Object.values(marks).map((mark: StoreMark | undefined) => mark?.start.number ?? 0);
  const next = { ...start, number: Math.max(...numbers) + 1 };
  if (accepted.length > 0) {
    const { confirmed: _confirmed, ...kept } = before ?? { system, adopted: true as const };
    return {
      ...kept,
      isRunning: true,
      start: next,
      accepted: [...(before?.accepted ?? []), { at: start.at, problems: accepted }],
    };
  }
  const running = { isRunning: true as const };
  if (before === undefined) return { system, start: next, ...running, ...(hasData && { adopted: true as const }) };
  // Resumes an interrupted start: the other stores may already have recorded it.
  return { ...before, ...running, start: before.start.token === before.confirmed?.token ? next : before.start };
}

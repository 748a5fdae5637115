// The three stores of the checkout in one process and one thread, each with its own SQLite file at durability D1; every
// atomic step and every commit is counted.
import { ledgerOperations } from "assent/ledger";
import { orderOperations } from "@assent/order";
import { paymentOperations } from "@assent/payment";
import { defaultLimits } from "assent/internal/protocol";
import { stockOperations } from "@assent/stock";
import {
  type BoundOperations,
  Executor,
  GroupCommitExecutor,
  type KeyedEngine,
  rowOperations,
  type Writes,
} from "assent/internal/engine";
import { SqliteEngine } from "@assent/sqlite";
import { nextTurn, systemClock } from "assent/node";
import { join } from "node:path";

/** Counts since the last reset. */
export interface StoreWork {
  steps: number;
  commits: number;
  keysWritten: number;
}

export interface LocalStores {
  readonly order: Executor;
  readonly stock: Executor;
  readonly payment: Executor;
  readonly work: StoreWork;
  close(): void;
}

export interface LocalSeed {
  readonly orders: number;
  /** Items and users; each order buys two items of price 1. */
  readonly accounts: number;
}

const plenty = 1_000_000;
const seedChunk = 10_000;

export function openLocalStores(folder: string): LocalStores {
  const work: StoreWork = { steps: 0, commits: 0, keysWritten: 0 };
  const engines = ["orders", "stock", "payment"].map((name) => new SqliteEngine(join(folder, `${name}.db`)));
  const open = (index: number, operations: BoundOperations): Executor => {
    const engine = engines[index];
    if (engine === undefined) throw new Error(`unknown engine ${index}`);
    const executor = new GroupCommitExecutor({
      engine: countingEngine(engine, work),
      operations,
      now: () => systemClock.now(),
      schedule: nextTurn,
    });
    return countingExecutor(executor, work);
  };
  return {
    order: open(0, orderOperations(defaultLimits)),
    stock: open(1, stockOperations(defaultLimits)),
    payment: open(2, paymentOperations(defaultLimits)),
    work,
    close: () => engines.forEach((engine) => engine.close()),
  };
}

/** Orders "0" to "orders − 1", each of user i mod accounts, with items i and i + 1 mod accounts. */
export async function seedLocalStores({ order, stock, payment }: LocalStores, seed: LocalSeed): Promise<void> {
  const accounts = { first: 0, count: seed.accounts, generation: "g1", available: plenty };
  await stock.run(ledgerOperations.seed, { ...accounts, details: { price: 1 } });
  await payment.run(ledgerOperations.seed, { ...accounts, details: null });
  for (let first = 0; first < seed.orders; first += seedChunk) {
    const size = Math.min(seedChunk, seed.orders - first);
    const rows = Array.from({ length: size }, (_, index) => orderRow(first + index, seed.accounts));
    await order.run(rowOperations.putRows, { incarnation: "i1", rows });
  }
}

function orderRow(number: number, accounts: number) {
  const items: [string, number][] = [
    [String(number % accounts), 1],
    [String((number + 1) % accounts), 1],
  ];
  const user = String(number % accounts);
  return [String(number), { user, items, total: 2, units: 2, entries: 2 }] as const;
}

function countingExecutor(executor: Executor, work: StoreWork): Executor {
  return Executor.over((call) => {
    work.steps += 1;
    return executor.perform(call);
  });
}

function countingEngine(engine: KeyedEngine, work: StoreWork): KeyedEngine {
  return {
    durability: engine.durability,
    get: (table, key) => engine.get(table, key),
    scan: (table, range) => engine.scan(table, range),
    commit(writes: Writes) {
      work.commits += 1;
      for (const table of writes.values()) work.keysWritten += table.size;
      engine.commit(writes);
    },
    close: () => engine.close(),
  };
}

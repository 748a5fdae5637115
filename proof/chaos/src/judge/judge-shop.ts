// After a run: resolves unknown outcomes, gives the system time to finish its transactions, and then reads and checks
// everything.
import { setTimeout as pause } from "node:timers/promises";
import { booksOfApi } from "./api-books.ts";
import { judge } from "./judge.ts";
import { resolve } from "./resolve.ts";
import type { ShopLoad } from "../load/shop-load.ts";
import { isYesState } from "assent/internal/protocol";
import { booksOfStores, participants, type StoreBooks, type StoreUrls } from "./store-books.ts";

export interface JudgeShopOptions {
  /** Stopped. */
  readonly load: ShopLoad;
  /** Of the gateways. */
  readonly urls: readonly string[];
  /** Called before each reading: a master may be replaced meanwhile. */
  readonly stores: () => Promise<StoreUrls>;
  /**
   * How long the system may take to give definite answers, and then again to end all transactions. Default: 90 s,
   * because an abandoned branch asks after 60 s (P6), and due branches are looked for every 5 s.
   */
  readonly clearMs?: number;
  /** ASSENT_NAMESPACE of the processes. */
  readonly namespace?: string;
}

const defaultClearMs = 90_000;
/** Connections for reading over the API, once everything is resolved. */
const readMs = 60_000;
const lookEveryMs = 250;

/** Call it after the faults are healed and the load has stopped. Empty if everything is correct. */
export async function judgeShop(options: JudgeShopOptions): Promise<readonly string[]> {
  const { load, urls, clearMs = defaultClearMs } = options;
  const { history, open, shop } = load;
  const unresolved = await resolve({ history, open }, { urls, deadline: performance.now() + clearMs });
  const books = await quietBooks(options, performance.now() + clearMs);
  const api = await booksOfApi(shop, { urls, deadline: performance.now() + readMs });
  return [...load.wrong, ...unresolved, ...judge({ history, shop, api, books, now: Date.now() })];
}

/**
 * The books once nothing is in progress, or at the deadline. A reading that loses its server starts again.
 * @throws Error if a database cannot be read before the deadline
 */
async function quietBooks({ stores, namespace }: JudgeShopOptions, deadline: number): Promise<StoreBooks> {
  for (;;) {
    try {
      const books = await booksOfStores(await stores(), namespace);
      if (isQuiet(books) || performance.now() >= deadline) return books;
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await pause(lookEveryMs);
  }
}

function isQuiet(books: StoreBooks): boolean {
  if (books.active.length > 0) return false;
  return participants.every((service) => {
    const { accounts, branches } = books[service];
    const holds = [...accounts.values()].some(({ held }) => held !== 0);
    return !holds && ![...branches.values()].some(({ state }) => isYesState(state));
  });
}

// Checks the clients' answers, the API and the contents of the databases against the properties of the protocol (S1 to
// S5, S7). A finding is one sentence that begins with the violated property.
import { bookStoreOfMaps, judgeBooks } from "@assent/books";
import type { ApiBooks } from "./api-books.ts";
import type { History } from "../load/history.ts";
import { judgeSums } from "./judge-sums.ts";
import { judgeAnswers } from "./judge-answers.ts";
import { judgeTransactions } from "./judge-transactions.ts";
import type { Shop } from "../load/shop.ts";
import { type Participant, participants, type StoreBooks } from "./store-books.ts";

export interface Evidence {
  readonly history: History;
  /** Everything that the clients know. */
  readonly shop: Shop;
  readonly api: ApiBooks;
  readonly books: StoreBooks;
  /** Epoch milliseconds, when the books were read. */
  readonly now: number;
}

/** Call it when nothing is in progress. Empty if everything is correct. */
export function judge({ history, shop, api, books, now }: Evidence): readonly string[] {
  return [
    ...judgeAnswers(history, api, books),
    ...judgeSums(shop, api),
    ...judgeStores(books),
    ...judgeTransactions(books, now),
    ...judgeAgreement({ shop, api, books }),
  ];
}

/** S2, S3 and S7 in the databases, account by account. */
function judgeStores(books: StoreBooks): readonly string[] {
  const { findings } = judgeBooks({
    orders: bookStoreOfMaps("the database of orders", (table) => books.tables.orders.get(table)),
    stock: bookStoreOfMaps("the database of stock", (table) => books.tables.stock.get(table)),
    payment: bookStoreOfMaps("the database of payment", (table) => books.tables.payment.get(table)),
  });
  return participants.flatMap((service) => findings[service].map(({ rule, text }) => `${rule}: ${text}`));
}

/** The API shows the contents of the databases, and the databases contain the clients' changes. */
function judgeAgreement({ shop, api, books }: Pick<Evidence, "shop" | "api" | "books">): readonly string[] {
  const findings: string[] = [];
  for (const id of shop.orders.keys()) {
    const row = books.rows.get(id);
    if (row === undefined) findings.push(`S4: order ${id} is not in the database`);
    else if (api.orders.get(id)?.paid !== (row.outcome === "committed")) {
      findings.push(`S4: order ${id} is ${row.outcome} in the database, but the API shows otherwise`);
    }
  }
  const things = { stock: shop.items, payment: shop.users };
  const shown: Readonly<Record<Participant, ReadonlyMap<string, number>>> = { stock: api.stock, payment: api.credit };
  for (const service of participants) {
    for (const { id, given, taken } of things[service].values()) {
      const account = books[service].accounts.get(id);
      const name = `${service} account ${id}`;
      if (account === undefined) {
        findings.push(`S2: ${name} is not in the database`);
        continue;
      }
      const { available, deposited, withdrawn } = account;
      if (deposited !== given) findings.push(`S2: ${name} was given ${deposited}, but clients gave ${given}`);
      if (withdrawn !== taken) findings.push(`S2: ${name} lost ${withdrawn}, but clients took ${taken}`);
      if (shown[service].get(id) !== available) {
        findings.push(`S2: ${name} has ${available} in the database, but the API shows ${shown[service].get(id)}`);
      }
    }
  }
  return findings;
}

// The books as any client can read them: over the API.
import { objectOf } from "assent/internal/protocol";
import { History } from "../load/history.ts";
import { inTurns } from "./in-turns.ts";
import { withClients } from "./judging-clients.ts";
import type { RetryingClient } from "../load/retrying-client.ts";
import type { RequestKind } from "../load/attempt.ts";
import type { Shop } from "../load/shop.ts";

export interface ApiOrder {
  readonly paid: boolean;
  readonly user: string;
  /** Ids, one for each time that an item was added. */
  readonly items: readonly string[];
  readonly total: number;
}

/** Everything that could be read. Missing entries were not found, or not answered. */
export interface ApiBooks {
  readonly orders: ReadonlyMap<string, ApiOrder>;
  readonly stock: ReadonlyMap<string, number>;
  readonly credit: ReadonlyMap<string, number>;
}

/** Reads everything that the clients know of. */
export async function booksOfApi(
  shop: Shop,
  { urls, deadline }: { readonly urls: readonly string[]; readonly deadline: number },
): Promise<ApiBooks> {
  const orders = new Map<string, ApiOrder>();
  const stock = new Map<string, number>();
  const credit = new Map<string, number>();
  await withClients({ urls, history: new History(), deadline }, async (workers) => {
    await inTurns([...shop.orders.keys()], workers, async (id, client) => {
      const found = await read(client, "find_order", `/orders/find/${id}`);
      if (found !== undefined) orders.set(id, orderOf(found));
    });
    await inTurns([...shop.items.keys()], workers, async (id, client) => {
      const found = await read(client, "find_item", `/stock/find/${id}`);
      if (found !== undefined) stock.set(id, Number(found["stock"]));
    });
    await inTurns([...shop.users.keys()], workers, async (id, client) => {
      const found = await read(client, "find_user", `/payment/find_user/${id}`);
      if (found !== undefined) credit.set(id, Number(found["credit"]));
    });
  });
  return { orders, stock, credit };
}

async function read(
  client: RetryingClient,
  kind: RequestKind,
  path: string,
): Promise<Record<string, unknown> | undefined> {
  const { verdict, body } = await client.ask({ kind, method: "GET", path, subject: path });
  return verdict === "done" ? objectOf(body) : undefined;
}

function orderOf(found: Record<string, unknown>): ApiOrder {
  const { paid, user_id: user, items, total_cost: total } = found;
  return { paid: paid === true, user: String(user), items: items as string[], total: Number(total) };
}

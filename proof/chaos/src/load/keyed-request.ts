// A change with an Idempotency-Key, and the consequence of its answer for the clients' knowledge. However often it is
// repeated, it is done once: so it stays open until its answer is known, and the books become certain.
import { fieldOf, parseJson } from "assent/internal/protocol";
import type { RequestResult, ClientRequest } from "./retrying-client.ts";
import type { Item, Shop, ShopOrder, Thing } from "./shop.ts";

export interface KeyedRequest {
  readonly request: ClientRequest & { readonly key: string };
  /** Called once when it was done. */
  readonly done: (answer: RequestResult) => void;
}

export function createItem(shop: Shop, key: string, price: number): KeyedRequest {
  return {
    request: { kind: "create_item", method: "POST", path: `/stock/item/create/${price}`, key, subject: key },
    done: ({ body }) => shop.addItem(idOf(body, "item_id"), price),
  };
}

export function createUser(shop: Shop, key: string): KeyedRequest {
  return {
    request: { kind: "create_user", method: "POST", path: "/payment/create_user", key, subject: key },
    done: ({ body }) => shop.addUser(idOf(body, "user_id")),
  };
}

/** `made` receives the new order. */
export function createOrder(
  shop: Shop,
  key: string,
  owned: { user: string; made: (order: ShopOrder) => void },
): KeyedRequest {
  const { user, made } = owned;
  return {
    request: { kind: "create_order", method: "POST", path: `/orders/create/${user}`, key, subject: key },
    done: ({ body }) => made(shop.addOrder(idOf(body, "order_id"), user)),
  };
}

export function addLine(order: ShopOrder, key: string, [item, quantity]: readonly [string, number]): KeyedRequest {
  const path = `/orders/addItem/${order.id}/${item}/${quantity}`;
  return {
    request: { kind: "add_item", method: "POST", path, key, subject: order.id },
    done: () => order.lines.push([item, quantity]),
  };
}

type Movement = "add_stock" | "subtract_stock" | "add_funds" | "pay";

const movementPaths: Readonly<Record<Movement, string>> = {
  add_stock: "/stock/add",
  subtract_stock: "/stock/subtract",
  add_funds: "/payment/add_funds",
  pay: "/payment/pay",
};

/** Stock or credit, in or out, outside checkouts. */
export function move(
  kind: Movement,
  key: string,
  { thing, amount }: { readonly thing: Thing | Item; readonly amount: number },
): KeyedRequest {
  const isGift = kind === "add_stock" || kind === "add_funds";
  return {
    request: { kind, method: "POST", path: `${movementPaths[kind]}/${thing.id}/${amount}`, key, subject: thing.id },
    done() {
      if (isGift) thing.given += amount;
      else thing.taken += amount;
    },
  };
}

/** @throws Error if the body does not contain the id */
function idOf(body: string, field: string): string {
  const id = fieldOf(parseJson(body), field);
  if (typeof id !== "string") throw new Error(`${body} has no ${field}`);
  return id;
}

// The orders process: takes orders over HTTP and coordinates their checkouts. An order changes its state in the SQL
// transaction that decides its checkout.
import { postgres } from "@assent/postgres";
import { serve } from "@hono/node-server";
import { coordinator } from "assent";
import { http } from "assent/http";
import { Hono } from "hono";
import { once } from "node:events";
import { Pool, type PoolClient } from "pg";
import { checkout, order } from "./contract.ts";
import { credentials, databaseUrl, urls } from "./settings.ts";

const pool = new Pool({ connectionString: databaseUrl });
const bus = http({ urls, credentials });
const log = postgres<PoolClient>(pool, {
  schema: "orders",
  async onDecide({ db, record: { key, state } }) {
    const decided = state === "committing" ? "paid" : "failed";
    await db.query("UPDATE orders.orders SET state = $2 WHERE id = $1", [key, decided]);
  },
});
const orders = await coordinator({ name: "orders", log, bus, transactions: [checkout] });

interface OrderRow {
  readonly id: string;
  readonly customer: string;
  readonly item: string;
  readonly quantity: number;
  readonly total: number;
  readonly state: "open" | "paid" | "failed";
}

/** Keeps the order with the price of today, unless it is there already. */
async function keep(id: string, { customer, item, quantity }: Omit<OrderRow, "id" | "total" | "state">) {
  await pool.query(
    `INSERT INTO orders.orders (id, customer, item, quantity, total)
     SELECT $1, $2, item, $4, price * $4 FROM orders.products WHERE item = $3 ON CONFLICT DO NOTHING`,
    [id, customer, item, quantity],
  );
  return find(id);
}

async function find(id: string): Promise<OrderRow | undefined> {
  return (await pool.query<OrderRow>("SELECT * FROM orders.orders WHERE id = $1", [id])).rows[0];
}

const app = new Hono();

app.put("/orders/:id", async (c) => {
  const wanted = order.safeParse(await c.req.json().catch(() => undefined));
  if (!wanted.success) return c.json({ error: wanted.error.issues }, 400);
  const kept = await keep(c.req.param("id"), wanted.data);
  if (kept === undefined) return c.json({ error: "unknown item" }, 404);
  const { id, customer, item, quantity, total } = kept;
  const asked = wanted.data;
  if (asked.customer !== customer || asked.item !== item || asked.quantity !== quantity) {
    return c.json({ error: "the id belongs to another order" }, 409);
  }
  // Safe to repeat: the id is the key, which succeeds once.
  const result = await orders.run(checkout, id, { customer, item, quantity, total });
  switch (result.kind) {
    case "committed":
      return c.json({ id, state: "paid", total });
    case "aborted":
      return c.json({ id, state: "failed", reason: result.reason }, 409);
    case "key_reused":
      return c.json({ error: "the id belongs to another transaction" }, 409);
    default:
      return c.json({ id, state: "unknown", retry: "send it again" }, 503);
  }
});

app.get("/orders/:id", async (c) => {
  const kept = await find(c.req.param("id"));
  return kept === undefined ? c.json({ error: "unknown order" }, 404) : c.json(kept);
});

// The services ask here what became of a transaction that they have not heard of for a while.
app.post("/questions/*", (c) => bus.fetch(c.req.raw));

const server = serve({ fetch: app.fetch, port: Number(urls.orders.port), hostname: urls.orders.hostname });
await once(process, "SIGTERM");
server.close();
await orders.close();
await pool.end();

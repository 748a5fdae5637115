// The stock process. Goods are reserved first, and sold when the order is decided: nobody sees what may be undone.
import { postgres } from "@assent/postgres";
import { serve } from "assent";
import { http } from "assent/http";
import { once } from "node:events";
import { createServer } from "node:http";
import { Pool, type PoolClient } from "pg";
import { stock } from "./contract.ts";
import { credentials, databaseUrl, urls } from "./settings.ts";

const pool = new Pool({ connectionString: databaseUrl });
const bus = http({ urls, credentials });

const giveBack = (db: PoolClient, branch: string) =>
  db.query(
    `WITH back AS (UPDATE stock.takings SET state = 'returned' WHERE branch = $1 RETURNING item, quantity)
     UPDATE stock.items SET free = free + quantity FROM back WHERE items.item = back.item`,
    [branch],
  );

const served = await serve(
  stock,
  { store: postgres(pool, { schema: "stock" }), bus },
  {
    take: {
      async reserve({ db, input: { item, quantity }, key, branch, refuse }) {
        const take = "UPDATE stock.items SET free = free - $2 WHERE item = $1 AND free >= $2";
        if ((await db.query(take, [item, quantity])).rowCount === 0) refuse("sold_out");
        await db.query("INSERT INTO stock.takings VALUES ($1, $2, $3, $4, 'reserved')", [branch, key, item, quantity]);
      },
      async confirm({ db, branch }) {
        await db.query("UPDATE stock.takings SET state = 'sold' WHERE branch = $1", [branch]);
      },
      async release({ db, branch }) {
        await giveBack(db, branch);
      },
      async undo({ db, branch }) {
        await giveBack(db, branch);
      },
    },
  },
);

const server = createServer(bus.listener).listen(Number(urls.stock.port), urls.stock.hostname);
await once(process, "SIGTERM");
server.close();
await served.close();
await pool.end();

import * as restate from "@restatedev/restate-sdk";
import { Pool } from "pg";
import { transaction } from "./transaction.ts";

const pool = new Pool({ connectionString: process.env.WALLET_URL });
pool.on("error", (error) => console.error(error.message));

const wallet = restate.service({
  name: "wallet",
  handlers: {
    pay: (ctx: restate.Context, { id, user, total }: { id: string; user: string; total: number }) =>
      ctx.run("pay", () =>
        transaction(pool, async (db) => {
          const added = await db.query("INSERT INTO payments VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
            id,
            user,
            total,
          ]);
          if (added.rowCount === 0) return; // An earlier attempt paid.
          const paid = await db.query(
            "UPDATE wallets SET credit = credit - $2, spent = spent + $2 WHERE owner = $1 AND credit >= $2",
            [user, total],
          );
          if (paid.rowCount === 0) throw new restate.TerminalError("no_credit");
        }),
      ),
    refund: (ctx: restate.Context, id: string) =>
      ctx.run("refund", async () => {
        await pool.query(
          `WITH gone AS (DELETE FROM payments WHERE id = $1 RETURNING owner, total)
           UPDATE wallets SET credit = credit + total, spent = spent - total
           FROM gone WHERE wallets.owner = gone.owner`,
          [id],
        );
      }),
  },
});

export type Wallet = typeof wallet;

await restate.serve({ services: [wallet], port: Number(process.env.PORT) });

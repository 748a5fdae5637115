import * as restate from "@restatedev/restate-sdk";
import { Pool } from "pg";
import { transaction } from "./transaction.ts";

const pool = new Pool({ connectionString: process.env.FLIGHTS_URL });
pool.on("error", (error) => console.error(error.message));

const flights = restate.service({
  name: "flights",
  handlers: {
    book: (ctx: restate.Context, { id, flight, seats }: { id: string; flight: string; seats: number }) =>
      ctx.run("book", () =>
        transaction(pool, async (db) => {
          const added = await db.query("INSERT INTO bookings VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
            id,
            flight,
            seats,
          ]);
          if (added.rowCount === 0) return; // An earlier attempt booked them.
          const taken = await db.query(
            "UPDATE flights SET free = free - $2, sold = sold + $2 WHERE name = $1 AND free >= $2",
            [flight, seats],
          );
          if (taken.rowCount === 0) throw new restate.TerminalError("sold_out");
        }),
      ),
    cancel: (ctx: restate.Context, id: string) =>
      ctx.run("cancel", async () => {
        await pool.query(
          `WITH gone AS (DELETE FROM bookings WHERE id = $1 RETURNING flight, seats)
           UPDATE flights SET free = free + seats, sold = sold - seats FROM gone WHERE name = gone.flight`,
          [id],
        );
      }),
  },
});

export type Flights = typeof flights;

await restate.serve({ services: [flights], port: Number(process.env.PORT) });

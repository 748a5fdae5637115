// Books a trip: seats in one table and credit in another, both or neither. Run it with a DATABASE_URL.
import { coordinator, serve, service, transaction } from "assent";
import { memoryBus } from "assent/memory";
import { postgres } from "@assent/postgres";
import { Pool } from "pg";
import { z } from "zod";

const flights = service("flights", {
  book: {
    input: z.object({ flight: z.string(), seats: z.int().min(1) }),
    output: z.object({ reference: z.string() }),
    refusals: ["sold_out"],
  },
});
const wallets = service("wallets", {
  pay: { input: z.object({ user: z.string(), amount: z.int().min(1) }), refusals: ["no_credit"] },
});
const bookTrip = transaction("book_trip", {
  input: z.object({ user: z.string(), flight: z.string(), seats: z.int().min(1), price: z.int().min(1) }),
  steps: ({ user, flight, seats, price }) => ({
    seat: flights.book({ flight, seats }),
    pay: wallets.pay({ user, amount: price * seats }),
  }),
});

const pool = new Pool({ connectionString: process.env["DATABASE_URL"] });
const store = postgres(pool);
await store.migrate();
await pool.query(`CREATE TABLE IF NOT EXISTS flights (name text PRIMARY KEY, free integer NOT NULL CHECK (free >= 0));
  CREATE TABLE IF NOT EXISTS seats (tx text PRIMARY KEY, flight text NOT NULL, seats integer NOT NULL, state text);
  CREATE TABLE IF NOT EXISTS wallets (name text PRIMARY KEY, credit integer NOT NULL CHECK (credit >= 0));
  INSERT INTO flights VALUES ('ba7', 3) ON CONFLICT DO NOTHING;
  INSERT INTO wallets VALUES ('ann', 1000), ('bob', 50) ON CONFLICT DO NOTHING`);

// One process serves both here. Each may be a process of its own, with a database of its own and a bus between them.
const bus = memoryBus();

await using _flights = await serve(
  flights,
  { store, bus },
  {
    book: {
      // `db` is the client of a transaction that also holds the record of this branch: both are there, or neither.
      async reserve({ db, input: { flight, seats }, tx, refuse }) {
        const taken = await db.query("UPDATE flights SET free = free - $2 WHERE name = $1 AND free >= $2", [
          flight,
          seats,
        ]);
        if (taken.rowCount === 0) refuse("sold_out");
        await db.query("INSERT INTO seats VALUES ($1, $2, $3, 'held')", [tx, flight, seats]);
        return { reference: tx };
      },
      confirm: async ({ db, tx }) => void (await db.query("UPDATE seats SET state = 'sold' WHERE tx = $1", [tx])),
      release: ({ db, input, tx }) => giveBack(db, input, tx),
      undo: ({ db, input, tx }) => giveBack(db, input, tx),
    },
  },
);

await using _wallets = await serve(
  wallets,
  { store, bus },
  {
    pay: {
      async do({ db, input: { user, amount }, refuse }) {
        const change = "UPDATE wallets SET credit = credit - $2 WHERE name = $1 AND credit >= $2";
        if ((await db.query(change, [user, amount])).rowCount === 0) refuse("no_credit");
      },
      async undo({ db, input: { user, amount } }) {
        await db.query("UPDATE wallets SET credit = credit + $2 WHERE name = $1", [user, amount]);
      },
    },
  },
);

type Db = Pick<Pool, "query">;

async function giveBack(db: Db, { flight, seats }: { flight: string; seats: number }, tx: string): Promise<void> {
  await db.query("UPDATE flights SET free = free + $2 WHERE name = $1", [flight, seats]);
  await db.query("DELETE FROM seats WHERE tx = $1", [tx]);
}

await using trips = await coordinator({ name: "trips", log: store, bus, transactions: [bookTrip] });

for (const [key, user, seats] of [
  ["trip-1", "ann", 2],
  ["trip-1", "ann", 2],
  ["trip-2", "bob", 1],
] as const) {
  const result = await trips.run(bookTrip, key, { user, flight: "ba7", seats, price: 100 });
  console.log(key, result.kind, "reason" in result ? result.reason : "");
}
await trips.close();
const { rows } = await pool.query(`
  SELECT (SELECT free FROM flights) AS free, (SELECT credit FROM wallets WHERE name = 'ann') AS ann,
    (SELECT count(*)::int FROM seats WHERE state = 'sold') AS sold`);
console.log(rows[0]);
await pool.end();

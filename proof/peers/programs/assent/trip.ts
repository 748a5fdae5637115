// A trip with Assent: one program, with a pool for each database.
import { postgres } from "@assent/postgres";
import { coordinator, serve, service, transaction } from "assent";
import { memoryBus } from "assent/memory";
import { Pool } from "pg";
import { z } from "zod";

const booking = z.object({ flight: z.string(), seats: z.int().min(1) });
const payment = z.object({ user: z.string(), total: z.int().min(0) });
const flights = service("flights", { book: { input: booking, refusals: ["sold_out"], protocols: ["2pc"] } });
const wallet = service("wallet", { pay: { input: payment, refusals: ["no_credit"], protocols: ["2pc"] } });
const bookTrip = transaction("book_trip", {
  input: booking.extend(payment.shape),
  steps: ({ flight, seats, user, total }) => {
    const seat = flights.book({ flight, seats });
    return { seat, pay: wallet.pay({ user, total }).after(seat) };
  },
});

const store = async (url: string | undefined) => {
  const opened = postgres(new Pool({ connectionString: url, allowExitOnIdle: true }));
  await opened.migrate();
  return opened;
};
const bus = memoryBus();
const { FLIGHTS_URL, WALLET_URL, TRIPS_URL } = process.env;

await using _flights = await serve(
  flights,
  { store: await store(FLIGHTS_URL), bus },
  {
    book: {
      async reserve({ db, input: { flight, seats }, refuse }) {
        const held = await db.query("UPDATE flights SET free = free - $2 WHERE name = $1 AND free >= $2", [
          flight,
          seats,
        ]);
        if (held.rowCount === 0) refuse("sold_out");
      },
      async confirm({ db, input: { flight, seats } }) {
        await db.query("UPDATE flights SET sold = sold + $2 WHERE name = $1", [flight, seats]);
      },
      async release({ db, input: { flight, seats } }) {
        await db.query("UPDATE flights SET free = free + $2 WHERE name = $1", [flight, seats]);
      },
    },
  },
);
await using _wallet = await serve(
  wallet,
  { store: await store(WALLET_URL), bus },
  {
    pay: {
      async reserve({ db, input: { user, total }, refuse }) {
        const held = await db.query("UPDATE wallets SET credit = credit - $2 WHERE owner = $1 AND credit >= $2", [
          user,
          total,
        ]);
        if (held.rowCount === 0) refuse("no_credit");
      },
      async confirm({ db, input: { user, total } }) {
        await db.query("UPDATE wallets SET spent = spent + $2 WHERE owner = $1", [user, total]);
      },
      async release({ db, input: { user, total } }) {
        await db.query("UPDATE wallets SET credit = credit + $2 WHERE owner = $1", [user, total]);
      },
    },
  },
);
await using trips = await coordinator({ name: "trips", log: await store(TRIPS_URL), bus, transactions: [bookTrip] });

const [, , key = "", input = ""] = process.argv;
console.log(JSON.stringify(await trips.run(bookTrip, key, JSON.parse(input))));

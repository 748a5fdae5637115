// A trip as the documentation of DBOS recommends it: one program, a workflow, and a datasource for each database.
import { DBOS } from "@dbos-inc/dbos-sdk";
import { DrizzleDataSource } from "@dbos-inc/drizzle-datasource";
import { sql } from "drizzle-orm";
import { Pool } from "pg";

interface Trip {
  readonly flight: string;
  readonly seats: number;
  readonly user: string;
  readonly total: number;
}

const { FLIGHTS_URL, WALLET_URL, TRIPS_URL } = process.env;
const flights = new DrizzleDataSource("flights", poolOf(FLIGHTS_URL));
const wallet = new DrizzleDataSource("wallet", poolOf(WALLET_URL));

/** Without the listener, a connection that breaks ends the process. */
function poolOf(connectionString: string | undefined): Pool {
  const pool = new Pool({ connectionString, allowExitOnIdle: true });
  return pool.on("connect", (db) => db.on("error", (error) => console.error(error.message)));
}

const bookSeats = flights.registerTransaction(
  async (flight: string, seats: number) => {
    const { rowCount } = await flights.client.execute(sql`
      UPDATE flights SET free = free - ${seats}, sold = sold + ${seats} WHERE name = ${flight} AND free >= ${seats}`);
    if (rowCount === 0) throw new Error("sold_out");
  },
  { name: "bookSeats" },
);

const cancelSeats = flights.registerTransaction(
  async (flight: string, seats: number) => {
    await flights.client.execute(sql`
      UPDATE flights SET free = free + ${seats}, sold = sold - ${seats} WHERE name = ${flight}`);
  },
  { name: "cancelSeats" },
);

const pay = wallet.registerTransaction(
  async (user: string, total: number) => {
    const { rowCount } = await wallet.client.execute(sql`
      UPDATE wallets SET credit = credit - ${total}, spent = spent + ${total}
      WHERE owner = ${user} AND credit >= ${total}`);
    if (rowCount === 0) throw new Error("no_credit");
  },
  { name: "pay" },
);

const bookTrip = DBOS.registerWorkflow(
  async ({ flight, seats, user, total }: Trip) => {
    try {
      await bookSeats(flight, seats);
    } catch (error) {
      return { status: "refused", reason: (error as Error).message };
    }
    try {
      await pay(user, total);
    } catch (error) {
      await cancelSeats(flight, seats);
      return { status: "refused", reason: (error as Error).message };
    }
    return { status: "booked" };
  },
  { name: "bookTrip" },
);

DBOS.setConfig({ name: "trips", applicationVersion: "1", systemDatabaseUrl: TRIPS_URL, logLevel: "error" });
await DBOS.launch();
const [, , key, input] = process.argv;
const handle = await DBOS.startWorkflow(bookTrip, { workflowID: key })(JSON.parse(input) as Trip);
console.log(JSON.stringify(await handle.getResult()));
await DBOS.shutdown();

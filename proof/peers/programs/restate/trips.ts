// A trip as the sagas guide of Restate recommends it: compensations are registered before their steps.
import * as restate from "@restatedev/restate-sdk";
import type { Flights } from "./flights.ts";
import type { Wallet } from "./wallet.ts";

interface Trip {
  readonly flight: string;
  readonly seats: number;
  readonly user: string;
  readonly total: number;
}

const trips = restate.service({
  name: "trips",
  handlers: {
    book: async (ctx: restate.Context, { flight, seats, user, total }: Trip) => {
      const flights = ctx.serviceClient<Flights>({ name: "flights" });
      const wallet = ctx.serviceClient<Wallet>({ name: "wallet" });
      const compensations: (() => Promise<void>)[] = [];
      try {
        const booking = ctx.rand.uuidv4();
        compensations.push(() => flights.cancel(booking));
        await flights.book({ id: booking, flight, seats });

        const payment = ctx.rand.uuidv4();
        compensations.push(() => wallet.refund(payment));
        await wallet.pay({ id: payment, user, total });
      } catch (error) {
        if (!(error instanceof restate.TerminalError)) throw error;
        for (const compensation of compensations.reverse()) await compensation();
        return { status: "refused", reason: error.message };
      }
      return { status: "booked" };
    },
  },
});

await restate.serve({ services: [trips], port: Number(process.env.PORT) });

// Two services and a coordinator of the public door in virtual time, in one process.
import { SeededRandom, VirtualClock } from "../src/testing/index.ts";
import { z } from "zod";
import {
  type Coordinator,
  coordinator,
  type CoordinatorOptions,
  serve,
  type Served,
  type ServiceHandlers,
  service,
  transaction,
} from "../src/api/index.ts";
import { memory, memoryBus, type MemoryDatabase } from "../src/memory/index.ts";
import type { Bus, Observation } from "../src/ports/index.ts";

const seats = z.int().min(1);

const flightActions = {
  book: {
    input: z.object({ seats, class: z.string().default("any") }),
    output: z.object({ reference: z.string() }),
    refusals: ["sold_out"],
  },
} as const;
export const flights = service("flights", flightActions);

const walletActions = { pay: { input: z.object({ amount: z.int() }), refusals: ["no_credit"] } } as const;
export const wallet = service("wallet", walletActions);

export type FlightHandlers = ServiceHandlers<typeof flightActions, Map<string, number>>;
export type WalletHandlers = ServiceHandlers<typeof walletActions, Map<string, number>>;

export const bookTrip = transaction("book_trip", {
  input: z.object({ seats, total: z.int().default(7) }),
  steps: ({ seats: count, total }) => {
    const seat = flights.book({ seats: count });
    return { seat, pay: total === 0 ? undefined : wallet.pay({ amount: total }).after(seat) };
  },
});

function moved(db: Map<string, number>, name: string, by: number): number {
  const amount = (db.get(name) ?? 0) + by;
  db.set(name, amount);
  return amount;
}

/** Seats are held, then sold. */
export const reserving = {
  reserve: ({ db, input, tx, refuse }) => {
    if (moved(db, "free", -input.seats) < 0) refuse("sold_out");
    moved(db, "held", input.seats);
    return { reference: tx };
  },
  confirm: async ({ db, input }) => {
    await Promise.resolve();
    moved(db, "held", -input.seats);
    moved(db, "sold", input.seats);
  },
  release: ({ db, input }) => {
    moved(db, "held", -input.seats);
    moved(db, "free", input.seats);
  },
  undo: ({ db, input }) => {
    moved(db, "sold", -input.seats);
    moved(db, "free", input.seats);
  },
} satisfies FlightHandlers["book"];

export const paying = {
  do: ({ db, input, refuse }) => {
    if (moved(db, "credit", -input.amount) < 0) return refuse("no_credit");
  },
  undo: ({ db, input }) => void moved(db, "credit", input.amount),
} satisfies WalletHandlers["pay"];

export class Trips {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(1);
  readonly bus: Bus = memoryBus();
  readonly seats: MemoryDatabase<number> = memory([
    ["free", 9],
    ["held", 0],
    ["sold", 0],
  ]);
  readonly purse: MemoryDatabase<number> = memory([["credit", 100]]);
  readonly log: MemoryDatabase<unknown> = memory();
  readonly observed: Observation[] = [];
  readonly observe = (seen: Observation): void => void this.observed.push(seen);

  get surroundings(): Pick<Trips, "clock" | "random" | "bus" | "observe"> {
    const { clock, random, bus, observe } = this;
    return { clock, random, bus, observe };
  }

  serveFlights(book: FlightHandlers["book"] = reserving): Promise<Served> {
    return serve(flights, { ...this.surroundings, store: this.seats }, { book });
  }

  serveWallet(pay: WalletHandlers["pay"] = paying): Promise<Served> {
    return serve(wallet, { ...this.surroundings, store: this.purse }, { pay });
  }

  async serveBoth(): Promise<void> {
    await this.serveFlights();
    await this.serveWallet();
  }

  coordinate(options: Partial<CoordinatorOptions> = {}): Promise<Coordinator> {
    const { surroundings, log } = this;
    const opening = coordinator({ ...surroundings, name: "trips", log, transactions: [bookTrip], ...options });
    return this.clock.until(opening);
  }

  /** free, held, sold and credit */
  get books(): readonly (number | undefined)[] {
    return [...["free", "held", "sold"].map((name) => this.seats.rows.get(name)), this.purse.rows.get("credit")];
  }

  seen<Type extends Observation["type"]>(type: Type): readonly Extract<Observation, { type: Type }>[] {
    return this.observed.filter((seen): seen is Extract<Observation, { type: Type }> => seen.type === type);
  }
}

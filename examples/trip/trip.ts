// Books trips, rooms of a hotel and seats of a flight, both or neither: as 2PC, then as a saga. All in one process.
import { coordinator, serve, service, type ServiceHandlers, transaction } from "assent";
import { memory, memoryBus } from "assent/memory";
import { z } from "zod";

// Two services with the same action, and a transaction that calls both.
const group = z.object({ people: z.int().min(1) });
const actions = { book: { input: group, refusals: ["sold_out"] } } as const;
export const hotels = service("hotels", actions);
export const flights = service("flights", actions);
export const bookTrip = transaction("book_trip", {
  input: group,
  steps: ({ people }) => ({ rooms: hotels.book({ people }), seats: flights.book({ people }) }),
});

// What a service does in its own database: here, rows in memory.
export const handlers: ServiceHandlers<typeof actions, Map<string, number>> = {
  book: {
    do: ({ db, input, refuse }) => {
      const free = db.get("free") ?? 0;
      if (free < input.people) return refuse("sold_out");
      db.set("free", free - input.people);
    },
    undo: ({ db, input }) => void db.set("free", (db.get("free") ?? 0) + input.people),
  },
};

for (const protocol of ["2pc", "saga"] as const) {
  const [bus, rooms, seats] = [memoryBus(), memory([["free", 4]]), memory([["free", 9]])];
  await using _hotels = await serve(hotels, { store: rooms, bus }, handlers);
  await using _flights = await serve(flights, { store: seats, bus }, handlers);
  await using trips = await coordinator({ name: "trips", log: memory(), bus, transactions: [bookTrip], protocol });

  for (const [key, people] of [
    ["smith", 3],
    ["smith", 3],
    ["jones", 2],
  ] as const) {
    const result = await trips.run(bookTrip, key, { people });
    const { repeated, step, reason } = { repeated: false, step: "", reason: "", ...result };
    console.log(`${protocol} ${key}: ${result.kind}${repeated ? ", before" : ""}${step && `, ${step}: ${reason}`}`);
  }
  console.log(`${protocol} left: rooms ${rooms.rows.get("free")}, seats ${seats.rows.get("free")}`);
}

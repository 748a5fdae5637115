// A transaction in two versions of one name. What was begun with a version is finished with it.
import { service, transaction } from "assent";
import { z } from "zod";

const group = z.object({ people: z.int().min(1) });
export const actions = { book: { input: group, refusals: ["sold_out"] } } as const;
export const flights = service("flights", actions);
export const hotels = service("hotels", actions);
export const insurance = service("insurance", actions);

/** As it was released first. Remove it when nothing that was begun with it is left. */
export const bookTripV1 = transaction("book_trip", {
  input: group,
  steps: ({ people }) => ({ seats: flights.book({ people }), rooms: hotels.book({ people }) }),
});

/** Now every trip is insured. */
export const bookTrip = transaction("book_trip", {
  input: group,
  steps: ({ people }) => ({
    seats: flights.book({ people }),
    rooms: hotels.book({ people }),
    cover: insurance.book({ people }),
  }),
});

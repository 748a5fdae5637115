// A user's mistakes, which the types of the installed library find.
import { service, transaction } from "assent";
import { z } from "zod";

const hotels = service("hotels", { book: { input: z.object({ people: z.int() }), refusals: ["sold_out"] } });

export const mistaken = transaction("mistaken", {
  input: z.object({ people: z.int() }),
  steps: ({ people }) => ({
    // @ts-expect-error -- the action has no such input
    rooms: hotels.book({ persons: people }),
    // @ts-expect-error -- the service has no such action
    seats: hotels.sit({ people }),
  }),
});

// A user's mistake, which the types of the installed library find.
import { defineTransaction } from "assent";
import { z } from "zod";

export const mistaken = defineTransaction({
  name: "mistaken",
  input: z.object({ people: z.int() }),
  steps: {
    // @ts-expect-error -- the input has no such field
    rooms: { service: "hotels", payload: ({ persons }) => ({ persons }) },
  },
});

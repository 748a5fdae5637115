// What must not compile does not: each line under `@ts-expect-error` is an error, or the type check fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type Coordinator, type RunResult, serve, type ServeOptions, service, transaction } from "./index.ts";

const flights = service("flights", {
  book: {
    input: z.object({ flight: z.string(), seats: z.int(), class: z.string().default("any") }),
    output: z.object({ reference: z.string() }),
    refusals: ["sold_out", "cancelled"],
  },
  cancel: { input: z.object({ flight: z.string() }), protocols: ["2pc"] },
});

const bookTrip = transaction("book_trip", {
  input: z.object({ flight: z.string(), isCancelled: z.boolean() }),
  steps: ({ flight, isCancelled }) => {
    const seat = flights.book({ flight, seats: 1 });
    return { seat, cancelled: isCancelled ? flights.cancel({ flight }).after(seat) : undefined };
  },
});

/** Compiled, and never called. */
export async function declared(): Promise<void> {
  // @ts-expect-error -- no such action
  flights.buy({ flight: "ba7", seats: 1 });
  // @ts-expect-error -- misspelt input
  flights.book({ flight: "ba7", seat: 1 });
  // @ts-expect-error -- input of another type
  flights.book({ flight: "ba7", seats: "1" });
  // @ts-expect-error -- after a name, which is no step
  flights.book({ flight: "ba7", seats: 1 }).after("seat");
  transaction("t", {
    input: z.object({ flight: z.string() }),
    // @ts-expect-error -- the input has no such field
    steps: ({ flights: flight }) => ({ seat: flights.book({ flight, seats: 1 }) }),
  });
  // @ts-expect-error -- no such protocol
  transaction("t", { input: z.object({}), protocol: "3pc", steps: () => ({}) });
  await Promise.resolve();
}

/** Compiled, and never called. */
export async function ran(trips: Coordinator): Promise<void> {
  const result = await trips.run(bookTrip, "k", { flight: "ba7", isCancelled: false });
  if (result.kind === "committed") {
    const reference: string = result.steps.seat.reference;
    const nothing: undefined = result.steps.cancelled;
    // @ts-expect-error -- no such step
    void result.steps.hotel;
    // @ts-expect-error -- a text
    const number: number = result.steps.seat.reference;
    void [reference, nothing, number];
  }
  if (result.kind === "aborted") {
    const step: "seat" | "cancelled" | undefined = result.step;
    // @ts-expect-error -- no such reason
    const isOther = result.reason === "no_credit";
    void [step, isOther, result.reason === "cancelled", result.reason === "timeout"];
  }
  // @ts-expect-error -- misspelt input
  await trips.run(bookTrip, "k", { flights: "ba7", isCancelled: false });
  // @ts-expect-error -- no transaction
  await trips.run(flights, "k", {});
}

type Db = { query(text: string): Promise<number> };

/** Compiled, and never called. */
export async function served(options: ServeOptions<Db>): Promise<void> {
  const settled = { confirm: () => undefined, release: () => undefined };
  const cancel = { reserve: () => undefined, ...settled };
  await serve(flights, options, {
    cancel,
    book: {
      do: async ({ db, input, refuse }) => {
        const inClass: string = input.class;
        if ((await db.query(inClass)) === 0) return refuse("sold_out");
        return { reference: input.flight };
      },
      undo: ({ output }) => void output.reference,
    },
  });
  // @ts-expect-error -- an action without handlers
  await serve(flights, options, { cancel });
  // @ts-expect-error -- without undo there is no saga, and the action declares both protocols
  await serve(flights, options, { cancel, book: { reserve: () => ({ reference: "r" }), ...settled } });
  // @ts-expect-error -- the output is declared and missing
  await serve(flights, options, { cancel, book: { do: () => undefined, undo: () => undefined } });
  await serve(flights, options, {
    cancel,
    book: {
      // @ts-expect-error -- a refusal that is not declared
      do: ({ refuse }) => refuse("no_credit"),
      undo: () => undefined,
    },
  });
}

test("the results of a transaction are distinguished by their kind", () => {
  const pending: RunResult<never> = { kind: "pending", retryAfterMs: 1 };
  assert.equal(pending.kind, "pending");
});

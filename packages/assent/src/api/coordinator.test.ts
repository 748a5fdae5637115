// What a caller of the public door gets, in both protocols, across restarts, and for each misuse.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { bookTrip, flights, paying, reserving, Trips, wallet } from "../../test-kit/trips.ts";
import { NotStarted, transaction } from "./index.ts";

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: a transaction commits once for its key, with what its steps returned`, async () => {
    const trips = new Trips();
    await trips.serveBoth();
    const booking = await trips.coordinate({ protocol });
    const first = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2 }));
    assert.ok(first.kind === "committed");
    assert.deepEqual(first.steps, { seat: { reference: first.tx } });
    const again = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2, total: 7 }));
    assert.deepEqual(again, { ...first, repeated: true });
    await trips.clock.advance(1_000);
    assert.deepEqual(trips.books, [7, 0, 2, 93]);
  });

  test(`${protocol}: a refusal aborts with its step and reason, and gives back what others took`, async () => {
    const trips = new Trips();
    await trips.serveBoth();
    const booking = await trips.coordinate({ protocol });
    const result = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2, total: 101 }));
    assert.ok(result.kind === "aborted");
    assert.deepEqual([result.step, result.reason], ["pay", "no_credit"]);
    assert.deepEqual(trips.books, [9, 0, 0, 100]);
    const more = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2, total: 101 }));
    assert.ok(more.kind === "aborted" && more.tx !== result.tx, "after an abort another attempt is made");
  });

  test(`${protocol}: a step that this input does not need is left out`, async () => {
    const trips = new Trips();
    await trips.serveBoth();
    const booking = await trips.coordinate({ protocol });
    const result = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2, total: 0 }));
    assert.equal(result.kind, "committed");
    assert.equal(trips.books[3], 100);
  });
}

test("a step that does not vote within its time aborts the transaction, and its handler is signalled", async () => {
  const trips = new Trips();
  const signals: AbortSignal[] = [];
  await trips.serveFlights();
  await trips.serveWallet({ ...paying, do: ({ signal }) => (signals.push(signal), new Promise(() => undefined)) });
  const hasty = transaction("hasty", {
    input: z.object({}),
    steps: () => ({ seat: flights.book({ seats: 1 }), pay: wallet.pay({ amount: 1 }).within(3_000) }),
  });
  const booking = await trips.coordinate({ transactions: [hasty], protocol: "2pc" });
  const result = await trips.clock.until(booking.run(hasty, "k", {}), 6_000);
  assert.ok(result.kind === "aborted");
  assert.deepEqual([result.step, result.reason, signals[0]?.aborted], ["pay", "timeout", true]);
  await trips.clock.advance(20_000);
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
});

test("a key that was used with other input, or by another transaction, is reused: nothing is done", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const other = transaction("other", { input: z.object({}), steps: () => ({ seat: flights.book({ seats: 1 }) }) });
  const booking = await trips.coordinate({ transactions: [bookTrip, other] });
  await trips.clock.until(booking.run(bookTrip, "k", { seats: 2 }));
  const expected = { kind: "key_reused" };
  assert.deepEqual(await trips.clock.until(booking.run(bookTrip, "k", { seats: 3 })), expected);
  assert.deepEqual(await trips.clock.until(booking.run(other, "k", {})), expected);
  await assert.rejects(trips.clock.until(booking.start(other, "k", {})), (error) => {
    assert.ok(error instanceof NotStarted && error.code === "key_reused");
    return true;
  });
  assert.deepEqual(await trips.clock.until(booking.get(other, "k").result()), expected);
  await trips.clock.advance(1_000);
  assert.deepEqual(trips.books, [7, 0, 2, 93]);
});

test("invalid input is refused before anything begins, and the key stays free", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const booking = await trips.coordinate();
  const invalid = { code: "invalid_input" };
  await assert.rejects(trips.clock.until(booking.run(bookTrip, "k", { seats: 0 })), invalid);
  await assert.rejects(trips.clock.until(booking.start(bookTrip, "", { seats: 1 })), invalid);
  assert.deepEqual(await trips.clock.until(booking.get(bookTrip, "k").status()), { kind: "none" });
});

test("a transaction that the coordinator could not finish is refused before anything begins", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const booking = await trips.coordinate();
  const unknown = transaction("book_trip", {
    input: z.object({}),
    steps: () => ({ seat: flights.book({ seats: 1 }) }),
  });
  const refused = { code: "invalid_definition" };
  await assert.rejects(trips.clock.until(booking.run(unknown, "k", {})), refused);
  await assert.rejects(trips.clock.until(booking.start(unknown, "k", {})), refused);
  assert.throws(() => booking.get(unknown, "k"), refused);
  assert.deepEqual(trips.seen("TransactionBegun"), []);
});

test("what was started goes on without its caller: waited for, looked at, and found in the history", async () => {
  const trips = new Trips();
  let isOpen = (): void => undefined;
  const opened = new Promise<void>((resolve) => (isOpen = resolve));
  await trips.serveFlights({ ...reserving, reserve: async (step) => (await opened, reserving.reserve(step)) });
  await trips.serveWallet();
  const booking = await trips.coordinate();
  const trip = await trips.clock.until(booking.start(bookTrip, "k", { seats: 2 }));
  assert.equal((await trips.clock.until(trip.status())).kind, "pending");
  assert.equal((await trips.clock.until(trip.result({ waitMs: 50 }))).kind, "pending");
  isOpen();
  const result = await trips.clock.until(trip.result({ waitMs: 5_000 }));
  assert.ok(result.kind === "committed");
  assert.deepEqual(result.steps.seat, { reference: result.tx });
  await trips.clock.advance(1_000);
  const events = (await trips.clock.until(trip.history())).map(({ event }) => event);
  assert.deepEqual(events, ["begun", "decided", "ended"]);
  assert.deepEqual(await trips.clock.until(booking.get(bookTrip, "other").result()), { kind: "none" });
  assert.deepEqual(await trips.clock.until(booking.get(bookTrip, "other").history()), []);
});

test("a process that restarts finishes what the one before had begun", async () => {
  const trips = new Trips();
  const first = await trips.coordinate();
  await trips.clock.until(first.start(bookTrip, "k", { seats: 2 }));
  await trips.clock.advance(1_000);
  // Nobody serves yet, and the process leaves.
  await trips.clock.until(first.close());
  await trips.serveBoth();
  const second = await trips.coordinate();
  const result = await trips.clock.until(second.get(bookTrip, "k").result({ waitMs: 60_000 }));
  assert.equal(result.kind, "aborted", "no step had voted, so nothing is left of it");
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
  const next = await trips.clock.until(second.run(bookTrip, "k", { seats: 2 }));
  assert.equal(next.kind, "committed");
});

test("a transaction whose version is missing at start is reported and kept, until a process has it", async () => {
  const trips = new Trips();
  const first = await trips.coordinate();
  await trips.clock.until(first.start(bookTrip, "k", { seats: 2 }));
  await trips.clock.until(first.close());
  await trips.serveBoth();
  const changed = transaction("book_trip", {
    input: z.object({ seats: z.int(), total: z.int() }),
    steps: ({ seats }) => ({ seat: flights.book({ seats: seats + 1 }) }),
  });
  const second = await trips.coordinate({ transactions: [changed] });
  await trips.clock.advance(20_000);
  assert.deepEqual(
    trips.seen("TransactionParked").map(({ note }) => note.reason),
    [
      "unknown_definition",
      ...trips
        .seen("TransactionParked")
        .slice(1)
        .map(() => "unknown_definition"),
    ],
  );
  assert.equal((await trips.clock.until(second.get(changed, "k").status())).kind, "pending");
  await trips.clock.until(second.close());
  const third = await trips.coordinate({ transactions: [changed, bookTrip] });
  const result = await trips.clock.until(third.get(bookTrip, "k").result({ waitMs: 60_000 }));
  assert.equal(result.kind, "aborted");
});

test("a coordinator that is closing begins nothing, and says that nothing was begun", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const booking = await trips.coordinate();
  await trips.clock.until(booking.close());
  const result = await trips.clock.until(booking.run(bookTrip, "k", { seats: 1 }));
  assert.ok(result.kind === "unavailable" && result.reason === "overloaded");
  await assert.rejects(trips.clock.until(booking.start(bookTrip, "k", { seats: 1 })), { code: "unavailable" });
  assert.deepEqual(await trips.clock.until(booking.get(bookTrip, "k").status()), { kind: "none" });
});

test("steps that cannot be ordered or were not made by a service are a failed definition, and ask nobody", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const input = z.object({});
  const foreign = { after: () => foreign };
  const wrong = [
    transaction("circle", {
      input,
      steps: () => {
        const a = flights.book({ seats: 1 });
        return { a: a.after(a) };
      },
    }),
    transaction("twice", {
      input,
      steps: () => {
        const a = flights.book({ seats: 1 });
        return { a, b: a };
      },
    }),
    transaction("elsewhere", {
      input,
      steps: () => ({ a: flights.book({ seats: 1 }).after(flights.book({ seats: 2 })) }),
    }),
    transaction("never", { input, steps: () => ({ a: flights.book({ seats: 1 }).within(0) }) }),
    transaction("foreign", { input, steps: () => ({ a: foreign as unknown as ReturnType<typeof flights.book> }) }),
    transaction("throws", { input, steps: (): { a: ReturnType<typeof flights.book> } => assert.fail("a bug") }),
  ];
  const booking = await trips.coordinate({ transactions: wrong });
  for (const each of wrong) {
    const result = await trips.clock.until(booking.run(each, each.name, {}));
    assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "definition_failed"], each.name);
  }
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
});

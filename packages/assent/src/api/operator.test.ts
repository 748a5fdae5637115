// Cancel, list and retry at the public door.
import assert from "node:assert/strict";
import { test } from "node:test";
import { collected } from "../../test-kit/collected.ts";
import { bookTrip, paying, reserving, Trips } from "../../test-kit/trips.ts";

const ann = { by: "ann", why: "booked by mistake" };

test("a transaction is cancelled while nothing is decided, and what it took is given back", async () => {
  const trips = new Trips();
  let isPaid = (): void => undefined;
  const paid = new Promise<void>((resolve) => (isPaid = resolve));
  await trips.serveFlights();
  await trips.serveWallet({ ...paying, do: async (step) => (await paid, paying.do(step)) });
  const booking = await trips.coordinate({ protocol: "2pc" });
  const trip = await trips.clock.until(booking.start(bookTrip, "k", { seats: 2 }));
  await trips.clock.advance(100);
  await assert.rejects(trips.clock.until(trip.cancel({ ...ann, why: "" })), { code: "invalid_input" });
  const cancelling = trip.cancel(ann);
  await trips.clock.advance(100);
  isPaid();
  const result = await trips.clock.until(cancelling);
  assert.ok(result.kind === "aborted" && result.reason === "cancelled");
  await trips.clock.advance(20_000);
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
  const decided = (await trips.clock.until(trip.history())).find(({ event }) => event === "decided");
  assert.deepEqual(decided?.event === "decided" && decided.operator, ann);
});

test("cancelling what is decided, or was never begun, reports how it stands and changes nothing", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const booking = await trips.coordinate();
  await trips.clock.until(booking.run(bookTrip, "k", { seats: 2 }));
  const result = await trips.clock.until(booking.get(bookTrip, "k").cancel(ann));
  assert.equal(result.kind, "committed");
  assert.deepEqual(await trips.clock.until(booking.get(bookTrip, "other").cancel(ann)), { kind: "none" });
});

test("what is parked is listed with its reason, and finished by a retry once its service works", async () => {
  const trips = new Trips();
  let isBroken = true;
  await trips.serveFlights({
    ...reserving,
    confirm: (step) => (isBroken ? assert.fail("a bug") : reserving.confirm(step)),
  });
  await trips.serveWallet();
  const booking = await trips.coordinate({ protocol: "2pc" });
  const result = await trips.clock.until(booking.run(bookTrip, "k", { seats: 2 }));
  assert.equal(result.kind, "committed");
  await trips.clock.advance(180_000);
  const listed = await trips.clock.until(collected(booking.list({ state: "parked" })));
  assert.deepEqual(
    listed.map(({ transaction, key, parked }) => [transaction, key, parked?.reason]),
    [["book_trip", "k", "handler_failed_in_flights"]],
  );
  assert.deepEqual(await trips.clock.until(collected(booking.list({ state: "undecided" }))), []);
  isBroken = false;
  for (const parked of listed) assert.equal(await trips.clock.until(booking.retry(parked)), true);
  await trips.clock.advance(100);
  assert.deepEqual(await trips.clock.until(collected(booking.list())), []);
  assert.deepEqual(trips.books, [7, 0, 2, 93]);
});

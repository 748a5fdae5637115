// The trip in virtual time, with faults. docs/how-to/test-a-transaction.md shows these tests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memory } from "assent/memory";
import { explore, testWorld } from "assent/testing";
import { bookTrip, flights, handlers, hotels } from "./trip.ts";

test("no trip without a seat", async () => {
  await using world = await testWorld({ transactions: [bookTrip] });
  world.refuse("seats", "sold_out");
  const result = await world.run(bookTrip, "smith", { people: 3 });
  assert.equal(result.kind, "aborted");
  await world.settled();
  await world.assertAtomic();
});

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: rooms are given back when the flight is full`, async () => {
    await using world = await testWorld({ transactions: [bookTrip], protocol });
    const rooms = memory([["free", 4]]);
    await world.serve(hotels, { store: rooms }, handlers);
    world.refuse("seats", "sold_out");
    world.fail("rooms", { at: "decision", times: 2 });
    await world.run(bookTrip, "smith", { people: 3 });
    await world.settled();
    assert.equal(rooms.rows.get("free"), 4);
  });

  test(`${protocol}: a trip that is decided is booked, whatever becomes of the coordinator`, async () => {
    await using world = await testWorld({ transactions: [bookTrip], protocol });
    world.crash("decided");
    const result = await world.run(bookTrip, "smith", { people: 3 });
    assert.equal(result.kind, "committed");
    await world.settled();
    const events = (await world.history(bookTrip, "smith")).map(({ event }) => event);
    assert.deepEqual(events, ["begun", "decided", "taken_over", "ended"]);
  });

  test(`${protocol}: rooms and seats go together in many worlds`, async () => {
    await explore({ transactions: [bookTrip], protocol, seeds: 50 }, async (world) => {
      const [rooms, seats] = [memory([["free", 4]]), memory([["free", 9]])];
      await world.serve(hotels, { store: rooms }, handlers);
      await world.serve(flights, { store: seats }, handlers);
      await Promise.all(["smith", "jones"].map((key) => world.run(bookTrip, key, { people: 3 })));
      await world.settled();
      assert.equal((rooms.rows.get("free") ?? 0) + 5, seats.rows.get("free"));
    });
  });
}

test("an undo that gives nothing back is found", async () => {
  const forgetful = { book: { ...handlers.book, undo: () => undefined } };
  const exploring = explore({ transactions: [bookTrip], seeds: 50 }, async (world) => {
    const rooms = memory([["free", 4]]);
    await world.serve(hotels, { store: rooms }, forgetful);
    const result = await world.run(bookTrip, "smith", { people: 3 });
    await world.settled();
    if (result.kind === "aborted") assert.equal(rooms.rows.get("free"), 4);
  });
  await assert.rejects(exploring, { code: "exploration_failed" });
});

// An exploration finds handlers that are wrong only under faults, repeats what it found, and lets right ones pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bookTrip, type FlightHandlers, flights, paying, reserving, wallet } from "../../test-kit/trips.ts";
import { memory } from "../memory/index.ts";
import { explore, ExplorationFailed, type ExploreOptions, type TestWorld } from "./index.ts";

type Trip = typeof bookTrip;

/** Two trips side by side; no seat and no credit may appear or be lost. */
function booksAreEqual(book: FlightHandlers["book"]): (world: TestWorld<Trip>) => Promise<void> {
  return async (world) => {
    const [seats, purse] = [memory([["free", 9]]), memory([["credit", 100]])];
    await world.serve(flights, { store: seats }, { book });
    await world.serve(wallet, { store: purse }, { pay: paying });
    await Promise.all(["a", "b"].map((key) => world.run(bookTrip, key, { seats: 2 })));
    await world.settled();
    const sold = seats.rows.get("sold") ?? 0;
    assert.equal((seats.rows.get("free") ?? 0) + sold, 9);
    assert.equal(seats.rows.get("held") ?? 0, 0);
    assert.equal(purse.rows.get("credit"), 100 - 7 * (sold / 2), "two seats cost 7");
  };
}

const options = { transactions: [bookTrip], observe: () => undefined } satisfies Omit<ExploreOptions<Trip>, "seeds">;

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: right handlers keep their books in every world, and every kind of fault strikes`, async () => {
    const struck = new Set<string>();
    await explore({ ...options, protocol, seeds: 60 }, async (world) => {
      await booksAreEqual(reserving)(world);
      for (const fault of world.faults) struck.add(/^\w+/.exec(fault)?.[0] ?? "");
    });
    assert.deepEqual([...struck].sort(), ["crash", "delay", "fail", "lose", "refuse"]);
  });

  test(`${protocol}: an undo that forgets the seats is found, and found again from its seed`, async () => {
    const wrong = { ...reserving, release: () => undefined, undo: () => undefined };
    const found = async (from: number, seeds: number): Promise<ExplorationFailed> => {
      try {
        await explore({ ...options, protocol, seeds, from }, booksAreEqual(wrong));
      } catch (error) {
        if (error instanceof ExplorationFailed) return error;
        throw error;
      }
      return assert.fail("it was not found");
    };
    const first = await found(1, 60);
    assert.ok(first.faults.length > 0);
    const again = await found(first.seed, 1);
    assert.deepEqual(again.faults, first.faults);
    assert.match(again.message, new RegExp(`^seed ${first.seed} failed: .*`));
  });
}

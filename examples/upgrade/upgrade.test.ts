// A definition is replaced while a transaction is in flight: it is finished with the version that it was begun with.
import { type Coordinator, coordinator, serve, type ServiceHandlers, transaction } from "assent";
import { memory, memoryBus } from "assent/memory";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { type actions, bookTrip, bookTripV1, flights, hotels, insurance } from "./trips.ts";

const waitMaxMs = 60_000;
const quick = {
  sweepEveryMs: 100,
  retryMaxMs: 200,
  parkedRetryMs: 200,
  takeoverGraceMs: 100,
  parkAfterAttempts: 1_000,
};
type Handlers = ServiceHandlers<typeof actions, Map<string, number>>;

/** Counts people as held, then as booked. It cannot confirm while it is down. */
function counting(isDown: () => boolean): Handlers {
  const add = (db: Map<string, number>, what: string, people: number): void =>
    void db.set(what, (db.get(what) ?? 0) + people);
  return {
    book: {
      reserve: ({ db, input: { people } }) => add(db, "held", people),
      confirm({ db, input: { people } }) {
        if (isDown()) throw new Error("the hotel is down");
        add(db, "held", -people);
        add(db, "booked", people);
      },
      release: ({ db, input: { people } }) => add(db, "held", -people),
      undo: ({ db, input: { people } }) => add(db, "booked", -people),
    },
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMaxMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not so after ${waitMaxMs} ms`);
    await pause(10);
  }
}

async function statesOf(trips: Coordinator): Promise<readonly string[]> {
  const states: string[] = [];
  for await (const { key, state, parked } of trips.list()) states.push(`${key} ${state} ${parked?.reason ?? ""}`);
  return states;
}

test("what is in flight is finished with its own version, beside the new one", async () => {
  let isDown = true;
  const [bus, log] = [memoryBus(), memory()];
  const shared = { bus, limits: quick, observe: () => undefined };
  const stores = { flights: memory<number>(), hotels: memory<number>(), insurance: memory<number>() };
  await using _flights = await serve(
    flights,
    { store: stores.flights, ...shared },
    counting(() => false),
  );
  await using _hotels = await serve(
    hotels,
    { store: stores.hotels, ...shared },
    counting(() => isDown),
  );
  await using _insurance = await serve(
    insurance,
    { store: stores.insurance, ...shared },
    counting(() => false),
  );
  const booked = () => Object.values(stores).map(({ rows }) => rows.get("booked") ?? 0);
  const settings = { name: "trips", log, protocol: "2pc" as const, ...shared };

  await using old = await coordinator({ ...settings, transactions: [bookTripV1] });
  assert.equal((await old.run(bookTripV1, "smith", { people: 2 })).kind, "committed");
  await until(() => booked()[0] === 2);
  await old.close();
  assert.deepEqual(booked(), [2, 0, 0], "the hotel has not confirmed yet");

  await using forgetful = await coordinator({ ...settings, transactions: [bookTrip] });
  await until(async () => (await statesOf(forgetful)).includes("smith parked unknown_definition"));
  isDown = false;
  await forgetful.close();
  assert.deepEqual(booked(), [2, 0, 0], "a version that is missing is waited for");

  await using trips = await coordinator({ ...settings, transactions: [bookTripV1, bookTrip] });
  assert.equal((await trips.run(bookTrip, "jones", { people: 1 })).kind, "committed");
  await until(() => String(booked()) === "3,3,1");
  await until(async () => (await statesOf(trips)).length === 0);
  const again = await trips.run(bookTrip, "smith", { people: 2 });
  assert.ok(again.kind === "committed" && again.repeated, "a repeated call finds what the first version did");
  assert.deepEqual(booked(), [3, 3, 1]);
});

test("a new field with a default makes other input of a repeated call; an optional one does not", async () => {
  const bus = memoryBus();
  const shared = { bus, observe: () => undefined };
  await using _flights = await serve(
    flights,
    { store: memory<number>(), ...shared },
    counting(() => false),
  );
  const flight = <Schema extends z.ZodType<{ people: number }>>(input: Schema) =>
    transaction("flight", { input, steps: ({ people }) => ({ seats: flights.book({ people }) }) });
  const people = z.int();
  const [first, optional, defaulted] = [
    flight(z.object({ people })),
    flight(z.object({ people, meal: z.boolean().optional() })),
    flight(z.object({ people, meal: z.boolean().default(false) })),
  ];
  const settings = { name: "trips", log: memory(), ...shared };
  await using trips = await coordinator({ ...settings, transactions: [first, optional, defaulted] });
  const kinds = [];
  for (const version of [first, optional, defaulted]) kinds.push((await trips.run(version, "k", { people: 1 })).kind);
  assert.deepEqual(kinds, ["committed", "committed", "key_reused"]);
});

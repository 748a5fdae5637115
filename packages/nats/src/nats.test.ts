// The bus of `serve` and `coordinator` over a real broker.
import { coordinator, serve, service, transaction } from "assent";
import { memory } from "assent/memory";
import { systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { Broker } from "../test-kit/broker.ts";
import { nats } from "./nats.ts";

let broker: Broker;
before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

const actions = { book: { input: z.object({ people: z.int() }), refusals: ["sold_out"] } } as const;
const hotels = service("hotels", actions);
const bookRooms = transaction("book_rooms", {
  input: z.object({ people: z.int() }),
  steps: ({ people }) => ({ rooms: hotels.book({ people }) }),
});

test("a transaction runs over the broker, and its outcome is repeated", async () => {
  const rooms = memory([["free", 3]]);
  const prefix = systemRandom.name();
  const bus = nats(broker.url, { prefix });
  await using _served = await serve(
    hotels,
    { store: rooms, bus },
    {
      book: {
        do({ db, input, refuse }) {
          const free = db.get("free") ?? 0;
          if (free < input.people) refuse("sold_out");
          db.set("free", free - input.people);
        },
        undo: ({ db, input }) => void db.set("free", (db.get("free") ?? 0) + input.people),
      },
    },
  );
  await using trips = await coordinator({ name: "trips", log: memory(), bus, transactions: [bookRooms] });
  assert.equal((await trips.run(bookRooms, "smith", { people: 2 })).kind, "committed");
  assert.equal((await trips.run(bookRooms, "smith", { people: 2 })).kind, "committed");
  const refused = await trips.run(bookRooms, "jones", { people: 2 });
  assert.deepEqual([refused.kind, "reason" in refused && refused.reason], ["aborted", "sold_out"]);
  assert.equal(rooms.rows.get("free"), 1);
  await broker.forget(prefix);
});

test("a broker that is not there is named when the bus is connected", async () => {
  const bus = nats("nats://127.0.0.1:1", { limits: { connectWaitMs: 300, dialMs: 200 } });
  const opened = coordinator({ name: "trips", log: memory(), bus, transactions: [bookRooms] });
  await assert.rejects(opened, { code: "nats_unavailable" });
});

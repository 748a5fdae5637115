// A participant in another language: it obeys the rules message by message, and takes part in real bookings while it is
// killed.
import { coordinator, serve, service, transaction } from "assent";
import { http } from "assent/http";
import { defaultLimits, encodeCommands } from "assent/internal/protocol";
import { silentObserver } from "assent/internal/ports";
import { memory } from "assent/memory";
import { systemClock } from "assent/node";
import { conversations, type Seats } from "@assent/conformance";
import { freePort, serverBinary, ServerProcess } from "@assent/local-servers";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

const secret = "0123456789abcdef0123456789abcdef";
const script = fileURLToPath(new URL("flights.py", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "assent-python-"));
const started: ServerProcess[] = [];
let python = "";

before(async () => {
  python = await serverBinary("python3");
});
after(async () => {
  await Promise.all(started.map((server) => server.kill()));
  rmSync(folder, { recursive: true, force: true });
});

interface Flights {
  readonly url: string;
  readonly server: ServerProcess;
  /** The seats, read and written beside the participant. */
  readonly database: DatabaseSync;
}

interface FlightsOptions {
  /** What the clock of the participant shows; left out, the time. */
  readonly now?: number;
  readonly coordinatorUrl?: string;
}

async function startFlights(name: string, { now, coordinatorUrl }: FlightsOptions): Promise<Flights> {
  const port = await freePort();
  const file = join(folder, `${name}.db`);
  const url = `http://127.0.0.1:${port}`;
  const server = await ServerProcess.start({
    name,
    binary: python,
    args: [script, file, String(port), ...(coordinatorUrl === undefined ? [] : [coordinatorUrl])],
    folder: join(folder, name),
    port,
    environment: { ASSENT_SECRET: secret, NOW: now === undefined ? undefined : String(now) },
    answers: () => isListening(url),
  });
  started.push(server);
  return { url, server, database: new DatabaseSync(file) };
}

async function isListening(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/commands/flights`, { method: "POST" })).status === 401;
  } catch {
    return false;
  }
}

const seatsOf = ({ database }: Flights, flight: string): Seats => {
  const row = database.prepare("SELECT free, held, booked FROM seats WHERE flight = ?").get(flight);
  return { ...(row as unknown as Seats) };
};

function addSeats({ database }: Flights, flight: string, free: number): void {
  database.prepare("INSERT INTO seats VALUES(?, ?, 0, 0)").run(flight, free);
}

test("it answers every conversation as the rules demand, and moves the seats accordingly", async () => {
  const { now, conversations: all } = conversations();
  const flights = await startFlights("rules", { now });
  for (const { flight, before: seats } of all) addSeats(flights, flight, seats.free);
  const bus = http({ urls: { flights: flights.url }, credentials: { secret } });
  const clock = { ...systemClock, now: () => now };
  const { commands: transport } = await bus.connect({ clock, observer: silentObserver, limits: defaultLimits });
  for (const { flight, commands, answers, after: seats } of all) {
    const sent = commands.map((each) => transport.send({ service: "flights", partition: "0" }, each, 60_000));
    assert.deepEqual(await Promise.all(sent), answers, JSON.stringify(commands, null, 1));
    assert.deepEqual(seatsOf(flights, flight), seats, JSON.stringify(commands, null, 1));
  }
});

test("a message that is not signed, or not whole, changes nothing", async () => {
  const flights = await startFlights("signed", {});
  addSeats(flights, "ba7", 5);
  const [{ commands } = { commands: [] }] = conversations().conversations;
  const begunAt = Date.now();
  const message = encodeCommands(
    commands
      .slice(0, 1)
      .map((each) => ({ ...each, begunAt, payload: { action: "book", input: { flight: "ba7", seats: 3 } } })),
  );
  const body = Uint8Array.from(message);
  const url = `${flights.url}/commands/flights`;
  for (const signature of ["", `t=${begunAt},s=${"0".repeat(64)}`]) {
    const headers = { "assent-signature": signature };
    assert.equal((await fetch(url, { method: "POST", body, headers })).status, 401);
  }
  assert.deepEqual(seatsOf(flights, "ba7"), { free: 5, held: 0, booked: 0 });
});

// The contracts of both services, and a transaction over them. What Python refuses is declared as anywhere.
const seatsWanted = z.object({ flight: z.string(), seats: z.int().min(1) });
const flightsService = service("flights", { book: { input: seatsWanted, refusals: ["sold_out"] } });
const roomActions = { book: { input: z.object({ people: z.int() }), refusals: ["full"] } } as const;
const hotels = service("hotels", roomActions);
const bookTrip = transaction("book_trip", {
  input: z.object({ people: z.int().min(1) }),
  steps: ({ people }) => ({
    seats: flightsService.book({ flight: "ba7", seats: people }),
    rooms: hotels.book({ people }),
  }),
});

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: killed under load, it has booked exactly what was reported as booked`, async (context) => {
    const server = createServer((request, response) => bus.listener(request, response));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const flights = await startFlights(protocol, { coordinatorUrl: here });
    addSeats(flights, "ba7", 1_000);
    const bus = http({ urls: { flights: flights.url, hotels: here, trips: here }, credentials: { secret } });
    const rooms = memory([["free", 90]]);
    const observe = (): void => undefined;
    await using _hotels = await serve(
      hotels,
      { store: rooms, bus, observe },
      {
        book: {
          do({ db, input, refuse }) {
            const free = db.get("free") ?? 0;
            if (free < input.people) refuse("full");
            db.set("free", free - input.people);
          },
          undo: ({ db, input }) => void db.set("free", (db.get("free") ?? 0) + input.people),
        },
      },
    );
    const options = { name: "trips", log: memory(), bus, transactions: [bookTrip], protocol, observe };
    await using trips = await coordinator(options);
    const keys = Array.from({ length: 60 }, (_, index) => `trip-${index}`);
    const outcome = async (key: string): Promise<string> => {
      for (;;) {
        const { kind } = await trips.run(bookTrip, key, { people: 2 });
        if (kind === "committed" || kind === "aborted") return kind;
      }
    };
    let ended = 0;
    const booking = Promise.all(keys.map((key) => outcome(key).finally(() => (ended += 1))));
    for (const part of [0.1, 0.4]) {
      while (ended < part * keys.length) await pause(5);
      await flights.server.kill();
      await flights.server.restart();
    }
    const committed = (await booking).filter((kind) => kind === "committed").length;
    assert.ok(committed > 0 && committed <= 45, `${committed} trips`);
    // A commit is reported before its branches have carried it out.
    const due = { free: 1_000 - 2 * committed, held: 0, booked: 2 * committed };
    const deadline = performance.now() + 60_000;
    while (!isDeepStrictEqual(seatsOf(flights, "ba7"), due) && performance.now() < deadline) await pause(20);
    assert.deepEqual(seatsOf(flights, "ba7"), due);
    assert.equal(rooms.rows.get("free"), 90 - 2 * committed);
  });
}

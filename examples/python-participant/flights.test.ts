// A participant in another language: it obeys the rules message by message, and takes part in real bookings while it is
// killed.
import { HttpHandler, HttpTransport, nodeListener } from "assent/http";
import { defineTransaction, Orchestrator } from "assent/internal/coordinator";
import { encodeCommands } from "assent/internal/protocol";
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import { Participant } from "assent/internal/participant";
import { memoryBranches, memoryLog } from "assent/memory";
import { nextTurn, systemClock, systemRandom } from "assent/node";
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
  const transport = new HttpTransport({
    urls: { flights: flights.url },
    credentials: { secret },
    clock: { ...systemClock, now: () => now },
    schedule: nextTurn,
  });
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
    commands.slice(0, 1).map((each) => ({ ...each, begunAt, payload: { flight: "ba7", seats: 3 } })),
  );
  const body = Uint8Array.from(message);
  const url = `${flights.url}/commands/flights`;
  for (const signature of ["", `t=${begunAt},s=${"0".repeat(64)}`]) {
    const headers = { "assent-signature": signature };
    assert.equal((await fetch(url, { method: "POST", body, headers })).status, 401);
  }
  assert.deepEqual(seatsOf(flights, "ba7"), { free: 5, held: 0, booked: 0 });
});

const bookTrip = defineTransaction({
  name: "book_trip",
  input: z.object({ seats: z.int().min(1) }),
  steps: {
    seats: { service: "flights", payload: ({ seats }) => ({ flight: "ba7", seats }) },
    rooms: { service: "hotels", payload: ({ seats }) => ({ entries: [["ritz", seats]] }) },
  },
});

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: killed under load, it has booked what was reported as booked, and nothing else`, async () => {
    const here = { clock: systemClock, random: systemRandom, schedule: nextTurn };
    const handler = new HttpHandler({ credentials: { secret }, now: () => Date.now() });
    const coordinator = createServer(nodeListener(handler.fetch));
    await new Promise<void>((resolve) => {
      coordinator.listen(0, "127.0.0.1", resolve);
    });
    const coordinatorUrl = `http://127.0.0.1:${(coordinator.address() as AddressInfo).port}`;
    const flights = await startFlights(protocol, { coordinatorUrl });
    addSeats(flights, "ba7", 1_000);
    const hotels = memoryBranches(ledgerHandler({ insufficient: "full", absent: "unknown" }), ledgerOperations, here);
    await hotels.run(ledgerOperations.openAccount, { accountId: "ritz", generation: "1", details: null });
    await hotels.run(ledgerOperations.deposit, { accountId: "ritz", amount: 90 });
    const http = { urls: { flights: flights.url, hotels: coordinatorUrl }, credentials: { secret } };
    const transport = new HttpTransport({ ...http, ...here });
    const participant = new Participant({ ...here, store: hotels.store, questions: transport });
    handler.serveCommands("hotels", (message) => participant.handle(message));
    const ports = { ...here, log: memoryLog(here).log, transport };
    const orchestrator = new Orchestrator({
      ...ports,
      service: "trips",
      owner: "t",
      definitions: [bookTrip],
      protocol,
    });
    handler.serveQuestions("trips", (question) => orchestrator.answerQuestion(question));
    await orchestrator.start();

    const trips = Array.from({ length: 60 }, (_, index) => `trip-${index}`);
    const outcome = async (key: string): Promise<string> => {
      for (;;) {
        const { kind } = await orchestrator.run(bookTrip, { key, input: { seats: 2 } });
        if (kind === "committed" || kind === "aborted") return kind;
      }
    };
    let ended = 0;
    const booking = Promise.all(trips.map((key) => outcome(key).finally(() => (ended += 1))));
    for (const part of [0.1, 0.4]) {
      while (ended < part * trips.length) await pause(5);
      await flights.server.kill();
      await flights.server.restart();
    }
    const committed = (await booking).filter((kind) => kind === "committed").length;
    await orchestrator.stop(60_000);
    const { free, held, booked } = seatsOf(flights, "ba7");
    const ritz = await hotels.run(ledgerOperations.findAccount, { accountId: "ritz" });
    assert.deepEqual({ free, held, booked }, { free: 1_000 - 2 * committed, held: 0, booked: 2 * committed });
    assert.equal(ritz?.spent, 2 * committed);
    assert.ok(committed > 0 && committed <= 45, `${committed} trips`);
    participant.stop();
    coordinator.closeAllConnections();
    coordinator.close();
  });
}

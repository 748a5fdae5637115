// Books a trip: rooms of a hotel and seats of a flight, both or neither. All in memory, so that it runs as is.
import { ledgerHandler, ledgerOperations } from "@assent/ledger";
import { defineTransaction, Orchestrator, Participant } from "@assent/orchestrator";
import { memoryBranches, memoryLog } from "@assent/store-memory";
import { nextTurn, systemClock, systemRandom } from "@assent/system";
import { MemoryTransport } from "@assent/transport-memory";
import { z } from "zod";

const bookTrip = defineTransaction({
  name: "book_trip",
  input: z.object({ people: z.int().min(1) }),
  steps: {
    rooms: { service: "hotels", payload: ({ people }) => ({ entries: [["ritz", people]] }) },
    seats: { service: "flights", payload: ({ people }) => ({ entries: [["ba7", people]] }) },
  },
});

// What this machine is like, and a service: a ledger of what it sells, and a participant in front of it.
const here = { clock: systemClock, random: systemRandom, schedule: nextTurn };
async function openService(accountId: string, amount: number) {
  const handler = ledgerHandler({ insufficient: "sold_out", absent: "not_offered" });
  const { store, run } = memoryBranches(handler, ledgerOperations, here);
  await run("openAccount", { accountId, generation: "1", details: null });
  await run("deposit", { accountId, amount });
  const participant = new Participant({ ...here, store, questions: { ask: async () => undefined } });
  return { endpoint: (message: Uint8Array) => participant.handle(message), run };
}
const hotels = await openService("ritz", 4);
const flights = await openService("ba7", 9);

// The coordinator: its log, its way to the services, and the transactions that it knows.
const endpoints = { hotels: hotels.endpoint, flights: flights.endpoint };
const transport = new MemoryTransport({ ...here, endpoints });
const { log } = memoryLog(here);
const orchestrator = new Orchestrator({
  ...here,
  service: "trips",
  owner: "a",
  definitions: [bookTrip],
  log,
  transport,
});

for (const [key, people] of [
  ["smith", 3],
  ["smith", 3],
  ["jones", 2],
] as const) {
  const result = await orchestrator.run(bookTrip, { key, input: { people } });
  console.log(key, result.kind, "reason" in result ? result.reason : "");
}
await orchestrator.stop(1_000);
console.log("rooms", (await hotels.run("findAccount", { accountId: "ritz" }))?.available);
console.log("seats", (await flights.run("findAccount", { accountId: "ba7" }))?.available);

// Books trips: rooms in a hotel and seats on a flight, both or neither. Runs as 2PC, then as a saga, all in memory.
import { ledgerHandler, ledgerOperations } from "assent/ledger";
import { defineTransaction, Orchestrator, Participant, type QuestionTransport } from "assent";
import { memoryBranches, memoryLog, MemoryTransport } from "assent/memory";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { z } from "zod";

const bookTrip = defineTransaction({
  name: "book_trip",
  input: z.object({ people: z.int().min(1) }),
  steps: {
    rooms: { service: "hotels", payload: ({ people }) => ({ entries: [["ritz", people]] }) },
    seats: { service: "flights", payload: ({ people }) => ({ entries: [["ba7", people]] }) },
  },
});

// A service: a ledger of its units, and a participant in front of it.
const here = { clock: systemClock, random: systemRandom, schedule: nextTurn };
async function openService(accountId: string, amount: number, questions: QuestionTransport) {
  const handler = ledgerHandler({ insufficient: "sold_out", absent: "not_offered" });
  const { store, run } = memoryBranches(handler, ledgerOperations, here);
  await run(ledgerOperations.openAccount, { accountId, generation: "1", details: null });
  await run(ledgerOperations.deposit, { accountId, amount });
  const participant = new Participant({ ...here, store, questions });
  participant.start();
  const left = async () => (await run(ledgerOperations.findAccount, { accountId }))?.available;
  return { endpoint: (message: Uint8Array) => participant.handle(message), left, stop: () => participant.stop() };
}

for (const protocol of ["2pc", "saga"] as const) {
  // A branch that has waited for long asks the coordinator for the outcome of its transaction.
  const questions: QuestionTransport = { ask: (_service, question) => orchestrator.answerQuestion(question) };
  const hotels = await openService("ritz", 4, questions);
  const flights = await openService("ba7", 9, questions);

  // The coordinator: its log, its transport to the services, and its transaction definitions.
  const endpoints = { hotels: hotels.endpoint, flights: flights.endpoint };
  const ports = { ...here, log: memoryLog(here).log, transport: new MemoryTransport({ ...here, endpoints }) };
  const owner = `trips-${systemRandom.name()}`;
  const orchestrator = new Orchestrator({ ...ports, service: "trips", owner, definitions: [bookTrip], protocol });
  await orchestrator.start();

  for (const request of [
    { key: "smith", input: { people: 3 } },
    { key: "smith", input: { people: 3 } },
    { key: "jones", input: { people: 2 } },
  ]) {
    const result = await orchestrator.run(bookTrip, request);
    const more = "repeated" in result && result.repeated ? ", before" : "reason" in result ? `, ${result.reason}` : "";
    console.log(`${protocol} ${request.key}: ${result.kind}${more}`);
  }
  await orchestrator.stop(1_000);
  console.log(`${protocol} left: rooms ${await hotels.left()}, seats ${await flights.left()}`);
  for (const service of [hotels, flights]) service.stop();
}

// DBOS, and Assent over a bus in memory, are libraries: one process has everything, and goes on when it starts again.
import type { Outcome, Peer, Places, Role, Trip } from "./peer.ts";
import { databaseUrl } from "./peer.ts";
import { Program } from "./program.ts";

export interface ProgramPeerOptions {
  readonly name: string;
  /** What the program prints, as an outcome; undefined when it is not known yet. */
  readonly outcomeOf: (printed: Record<string, string>) => Outcome | undefined;
}

export class ProgramPeer implements Peer {
  readonly name: string;
  readonly roles = { service: "the program", orchestrator: "the program" };
  readonly #outcomeOf: ProgramPeerOptions["outcomeOf"];
  readonly #running = new Set<Program>();
  #places: Places | undefined;

  constructor({ name, outcomeOf }: ProgramPeerOptions) {
    this.name = name;
    this.#outcomeOf = outcomeOf;
  }

  start(places: Places): Promise<void> {
    this.#places = places;
    return Promise.resolve();
  }

  book(key: string, trip: Trip): Promise<Outcome> {
    return this.#book("local", [key, JSON.stringify(trip)]);
  }

  bookElsewhere(key: string, trip: Trip): Promise<Outcome> {
    return this.#book("elsewhere", [key, JSON.stringify(trip)]);
  }

  async #book(executor: string, args: readonly string[]): Promise<Outcome> {
    for (;;) {
      const program = this.#started(executor, args);
      this.#running.add(program);
      const code = await program.ended;
      this.#running.delete(program);
      const answer = program.printed.split("\n").find((line) => line.startsWith("{"));
      if (answer === undefined) return { status: "failed", reason: `ended with ${code}: ${program.printed}` };
      const outcome = this.#outcomeOf(JSON.parse(answer) as Record<string, string>);
      if (outcome !== undefined) return outcome;
    }
  }

  async kill(_role: Role): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.kill()));
  }

  /** Booking starts it. */
  restart(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.kill("service");
  }

  #started(executor: string, args: readonly string[]): Program {
    if (this.#places === undefined) throw new Error("not started");
    const { folder, serverPort, flightsPort, walletPort } = this.#places;
    return Program.start({
      command: process.execPath,
      args: ["trip.ts", ...args],
      folder,
      environment: {
        // DBOS recovers by the name of the process.
        DBOS__VMID: executor,
        FLIGHTS_URL: databaseUrl(flightsPort, "flights"),
        WALLET_URL: databaseUrl(walletPort, "wallet"),
        TRIPS_URL: databaseUrl(serverPort, "trips"),
      },
    });
  }
}

export function dbosPeer(): Peer {
  return new ProgramPeer({ name: "DBOS", outcomeOf: ({ status = "", ...rest }) => ({ status, ...rest }) });
}

export function assentPeer(): Peer {
  const outcomeOf = ({ kind = "", reason }: Record<string, string>): Outcome | undefined => {
    if (kind === "committed") return { status: "booked" };
    if (kind === "aborted") return { status: "refused", ...(reason !== undefined && { reason }) };
    return kind === "pending" || kind === "unavailable" ? undefined : { status: kind };
  };
  return new ProgramPeer({ name: "Assent", outcomeOf });
}

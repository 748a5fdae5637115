// What every program must be able to do, so that the same scenarios run against it.

export interface Trip {
  readonly flight: string;
  readonly seats: number;
  readonly user: string;
  readonly total: number;
}

export interface Outcome {
  readonly status: string;
  readonly reason?: string;
}

/** The process that owns the flights' database, and the one that goes on with a trip. They can be the same. */
export type Role = "service" | "orchestrator";

export interface Places {
  /** Where the program is installed. */
  readonly folder: string;
  readonly serverPort: number;
  /** Of the proxies. */
  readonly flightsPort: number;
  readonly walletPort: number;
}

export interface Peer {
  readonly name: string;
  readonly roles: Readonly<Record<Role, string>>;
  start(places: Places): Promise<void>;
  /** Books, or attaches to the booking that has this key. */
  book(key: string, trip: Trip): Promise<Outcome>;
  /** As `book`, in another process of the application, which is not the one that died. */
  bookElsewhere?(key: string, trip: Trip): Promise<Outcome>;
  kill(role: Role): Promise<void>;
  restart(role: Role): Promise<void>;
  stop(): Promise<void>;
}

export function databaseUrl(port: number, database: string): string {
  return `postgresql://postgres@127.0.0.1:${port}/${database}`;
}

const deadlineMs = 120_000;

export async function until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

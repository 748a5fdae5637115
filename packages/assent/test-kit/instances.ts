// Several processes of one service over one log, each with a lease of its own, one of them the leader.
import { LeasedLeadership, LeasedOwnership, type OrchestratorOptions } from "../src/coordinator/index.ts";
import { type Observation, type TransactionLog } from "../src/ports/index.ts";
import type { TransactionRecord } from "../src/protocol/index.ts";
import { MortalProcess } from "../src/testing/mortal-process.ts";
import { type Started, trip, type Trip, type World } from "./world.ts";

export interface Instance extends Started {
  readonly owner: string;
  readonly ownership: LeasedOwnership;
  readonly leadership: LeasedLeadership;
  readonly observed: Observation[];
  /** The process ends, and renews nothing any more. */
  die(): void;
}

export interface InstanceOptions extends Partial<OrchestratorOptions> {
  /** Around the log of this instance only. */
  readonly around?: (log: TransactionLog) => Partial<TransactionLog>;
  /** While true, the leases' store does not answer this instance. */
  readonly isCutOff?: () => boolean;
}

/** An instance whose lease is held. It does not sweep yet. */
export async function bootInstance(
  world: World,
  owner: string,
  { around = () => ({}), isCutOff = () => false, ...options }: InstanceOptions = {},
): Promise<Instance> {
  const life = new MortalProcess(world.clock);
  const observed: Observation[] = [];
  const observer = {
    observe(observation: Observation): void {
      observed.push(observation);
      world.observations.push(observation);
    },
  };
  const { lease } = world.store;
  const reachable: typeof lease = {
    ...lease,
    acquire: (...request) => (isCutOff() ? Promise.reject(new Error("no answer")) : lease.acquire(...request)),
  };
  const leased = { lease: reachable, owner, clock: life.clock, observer, limits: world.limits };
  const ownership = new LeasedOwnership(leased);
  const leadership = new LeasedLeadership({ ...leased, service: "trips" });
  await world.clock.until(ownership.start());
  const log = life.log({ ...world.log, ...around(world.log) });
  const started = world.boot({ owner, ownership, leadership, observer, log, ...options });
  const die = (): void => {
    started.process.die();
    life.die();
  };
  return { ...started, owner, ownership, leadership, observed, die };
}

/** Transactions of one owner that have begun, and that nobody drives. */
export function beginMany(
  world: World,
  owner: string,
  { count, inMs = world.limits.phaseOneDeadlineMs }: { count: number; inMs?: number },
): Promise<readonly TransactionRecord[]> {
  const fields: Trip = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
  const now = world.clock.now();
  const begins = Array.from({ length: count }, async (_, index) => {
    const result = await world.log.begin({
      key: `${owner}-${index}`,
      create: { incarnation: "life1", fields: { ...fields } },
      definition: trip.name,
      definitionHash: trip.hash,
      protocol: "2pc",
      owner,
      begunAt: now,
      deadlineAt: now + inMs,
      releaseWaitMs: world.limits.releaseWaitMs,
    });
    if (result.kind !== "begun") throw new Error(`it did not begin: ${result.kind}`);
    return result.record;
  });
  return world.clock.until(Promise.all(begins));
}

// One run: a seed selects a system, a workload and a plan of faults; then all faults end and the books must add up.
import { rowOperations } from "assent/internal/engine";
import { ledgerOperations } from "assent/ledger";
import type { Fault, Violation } from "@assent/simulator";
import { SeededRandom } from "assent/testing";
import { auditBooks } from "./audit.ts";
import { Clients } from "./clients.ts";
import { Deployment } from "./deployment.ts";
import { healAll, scheduleFaults } from "./faults.ts";
import { lifetimeSwarmOf } from "./lifetime-swarm.ts";
import { type Swarm, swarmOf, type WorldName } from "./swarm.ts";
import { worldLimits } from "./world-limits.ts";

export interface RunOptions {
  readonly seed: number;
  readonly world?: WorldName;
  /** Replaces the faults that the seed selects, to minimize a plan. */
  readonly faults?: readonly Fault[];
  readonly keepTrace?: boolean;
}

export interface RunReport {
  readonly seed: number;
  readonly swarm: Swarm;
  readonly violations: readonly Violation[];
  readonly transactions: number;
  readonly checkouts: number;
  readonly faults: number;
  /** Hash of all events: the same for every run of a seed. */
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/** How long the system may take to finish everything after the faults, and how often it is checked. */
const calmMaxMs = 240_000;
const lookEveryMs = 4_000;
const insistTries = 60;
/** More than all these tries take. */
const insistMaxMs = 900_000;
/** Longer than any delay, and than the removal of old records. */
const lateMessagesMs = 90_000;
/** By when all records with a lifetime are removed, and how often this is checked. */
const removedMaxMs = 200_000;
const removedEveryMs = 10_000;

export async function simulate({ seed, world, faults, keepTrace = false }: RunOptions): Promise<RunReport> {
  const random = new SeededRandom(seed);
  const picked = world === "lifetimes" ? lifetimeSwarmOf(random) : swarmOf(random, worldLimits.clockSkewMs);
  const swarm = faults === undefined ? picked : { ...picked, faults };
  const deployment = new Deployment({ swarm, random, keepTrace });
  await setUp(deployment, swarm);
  deployment.setupCommits = deployment.orders.engine.commits.length;
  deployment.watch();
  deployment.bootAll();
  const { time, history, trace } = deployment;
  const startedAt = time.monotonic();
  const clients = new Clients(deployment, swarm);
  clients.start(startedAt + swarm.stormMs);
  scheduleFaults(deployment, swarm.faults);
  await time.advance(swarm.stormMs);
  healAll(deployment);
  await calmDown(deployment);
  // Every transaction ends on its own, even if no client ever returns (P6, R5).
  if (!history.isQuiet()) history.report({ rule: "S7", text: "something is still undecided or held after all faults" });
  // From now on every request gets a definite answer, which stays true.
  const last = Promise.all(
    Array.from({ length: swarm.orders }, (_, order) => clients.insist(String(order), insistTries)),
  );
  const answers = await time.until(last, insistMaxMs);
  answers.forEach((answer, order) => {
    if (answer === undefined)
      history.report({ rule: "S7", text: `order ${order} gets no definite answer after all faults` });
  });
  await calmDown(deployment);
  // Messages with long delays arrive at branches that were forgotten long ago (P7).
  await time.advance(lateMessagesMs);
  await calmDown(deployment);
  if (swarm.world === "lifetimes") await outlive(deployment);
  auditBooks(deployment, swarm, clients);
  return {
    seed,
    swarm,
    violations: history.violations,
    transactions: history.transactions,
    checkouts: clients.checkouts,
    faults: trace.faults,
    traceHash: trace.hash,
    trace: trace.lines,
  };
}

async function setUp(deployment: Deployment, swarm: Swarm): Promise<void> {
  const { time, random, orders, stock, payment } = deployment;
  const seed = { first: 0, generation: "g1" };
  const ready = [
    stock.direct.run(ledgerOperations.seed, {
      ...seed,
      count: swarm.items,
      available: swarm.stockPerItem,
      details: { price: 1 },
    }),
    payment.direct.run(ledgerOperations.seed, {
      ...seed,
      count: swarm.users,
      available: swarm.creditPerUser,
      details: null,
    }),
    orders.direct.run(rowOperations.putRows, {
      incarnation: "i1",
      rows: Array.from({ length: swarm.orders }, (_, order): [string, ReturnType<typeof orderOf>] => [
        String(order),
        orderOf(random, swarm),
      ]),
    }),
  ];
  await time.until(Promise.all(ready));
}

function orderOf(random: SeededRandom, { items, users, linesPerOrder }: Swarm) {
  const lines = Array.from({ length: 1 + random.below(linesPerOrder) }, (): [string, number] => [
    String(random.below(items)),
    1 + random.below(2),
  ]);
  const units = lines.reduce((sum, [, quantity]) => sum + quantity, 0);
  return { user: String(random.below(users)), items: lines, total: units, units, entries: lines.length };
}

/** Waits until nothing is unfinished and nothing is held, or the time is over. */
async function calmDown({ time, history }: Deployment): Promise<void> {
  for (let waitedMs = 0; waitedMs < calmMaxMs && !history.isQuiet(); waitedMs += lookEveryMs) {
    await time.advance(lookEveryMs);
  }
}

/** P7: records with a lifetime are removed eventually, with all their index entries. */
async function outlive({ time, history }: Deployment): Promise<void> {
  for (let waitedMs = 0; waitedMs < removedMaxMs && history.leftovers().length > 0; waitedMs += removedEveryMs) {
    await time.advance(removedEveryMs);
  }
  for (const { table, key } of history.leftovers()) history.report({ rule: "P7", text: `${key} is still in ${table}` });
}

// Swarm testing: each seed selects its own mix of workload and faults, because a mix of everything hides defects that a
// few together would show (Groce and others, "Swarm testing", 2012).
import type { Protocol } from "assent/internal/protocol";
import type { Fault, FaultKind } from "@assent/simulator";
import type { SeededRandom } from "assent/testing";
import type { CheckoutShape } from "./checkout-shapes.ts";

/** `storm`: many short faults at once. `lifetimes`: few outages, each longer than every lifetime. */
export type WorldName = "storm" | "lifetimes";

export const worldNames: readonly WorldName[] = ["storm", "lifetimes"];

/** Every tenth seed also has a lifetime world: this costs little more than the storms alone. */
const lifetimesEvery = 10;

export function worldsOf(seed: number): readonly WorldName[] {
  return seed % lifetimesEvery === 0 ? worldNames : ["storm"];
}

export interface Swarm {
  readonly world: WorldName;
  /** How long faults continue. */
  readonly stormMs: number;
  /** `mixed`: a random protocol for each transaction, as if operators changed it all the time. */
  readonly protocol: Protocol | "auto" | "mixed";
  readonly shape: CheckoutShape;
  readonly slots: { readonly order: number; readonly stock: number; readonly payment: number };
  readonly orders: number;
  readonly items: number;
  readonly users: number;
  /** A small number, which causes refusals and contention. */
  readonly stockPerItem: number;
  readonly creditPerUser: number;
  readonly linesPerOrder: number;
  /** Average milliseconds between two requests of the clients. */
  readonly pauseMs: number;
  readonly skewMs: number;
  readonly addsItems: boolean;
  /** Whether stock and credit are added meanwhile; otherwise only the initial deposits exist. */
  readonly deposits: boolean;
  /** Whether items and users are seeded again meanwhile; the books of earlier sales are then gone. */
  readonly reseeds: boolean;
  readonly faults: readonly Fault[];
}

const stormMs = 20_000;

/** The faults that a swarm selects from, unless it loses votes. */
const kinds: readonly FaultKind[] = [
  "crash",
  "crash_at_point",
  "pause",
  "cut_one_way",
  "cut_both_ways",
  "bad_weather",
  "store_failures",
  "store_lost_replies",
  "store_slow",
  "store_full",
  "lose_log_tail",
  "lose_leases",
];
const faultsMax = 24;
const tailMax = 8;
/** Enough of everything, so that a lost vote can always be applied again (P9). */
const ample = 1_000;

export function swarmOf(random: SeededRandom, skewMaxMs: number): Swarm {
  const slots = { order: 1 + random.below(2), stock: 1 + random.below(2), payment: 1 + random.below(2) };
  const losesVotes = random.chance(0.05);
  const enabled = losesVotes ? voteLosing : kinds.filter(() => random.chance(0.4));
  const count = enabled.length === 0 ? 0 : random.below(faultsMax);
  return {
    world: "storm",
    stormMs,
    protocol: losesVotes ? "2pc" : random.pick(["2pc", "saga", "auto", "mixed"]),
    shape: random.pick(["plain", "plain", "sharded", "chained"]),
    slots,
    orders: 3 + random.below(8),
    items: 1 + random.below(4),
    users: 1 + random.below(4),
    stockPerItem: losesVotes ? ample : random.pick([2, 5, 20, 100]),
    creditPerUser: losesVotes ? ample : random.pick([3, 10, 40, 200]),
    linesPerOrder: 1 + random.below(4),
    pauseMs: random.pick([20, 100, 400]),
    skewMs: random.chance(0.3) ? skewMaxMs : 0,
    deposits: random.chance(0.3),
    reseeds: !losesVotes && random.chance(0.1),
    // An order whose claim the log has lost can be changed again; docs/adr/0008 describes the consequences.
    addsItems: !enabled.includes("lose_log_tail"),
    faults: Array.from({ length: count }, () => faultOf(random, enabled, slots)).sort((a, b) => a.atMs - b.atMs),
  };
}

/**
 * A lost vote is outside the fault model, except if the owner stays alive, nothing is late and everything can be
 * applied again: recovery or a late phase 1 would end with it parked (T7).
 */
const voteLosing: readonly FaultKind[] = ["lose_votes"];

function faultOf(random: SeededRandom, enabled: readonly FaultKind[], slots: Swarm["slots"]): Fault {
  const kind = random.pick(enabled);
  const names = slotNames(slots);
  return {
    kind,
    target: targetOf(random, kind, names),
    atMs: random.uniform() * stormMs,
    forMs: 50 + random.uniform() * random.pick([300, 2_000, 8_000]),
    strength: strengthOf(random, kind),
  };
}

/** Names of the process slots: "order-0", "order-1", "stock-0", … */
export function slotNames(slots: Swarm["slots"]): readonly string[] {
  return Object.entries(slots).flatMap(([service, count]) =>
    Array.from({ length: count }, (_, index) => `${service}-${index}`),
  );
}

function targetOf(random: SeededRandom, kind: FaultKind, names: readonly string[]): string {
  if (kind.startsWith("store_")) return random.pick(["orders", "stock", "payment"]);
  if (kind === "cut_one_way" || kind === "cut_both_ways") return `${random.pick(names)}>${random.pick(names)}`;
  if (kind === "bad_weather") return "bus";
  if (kind === "lose_votes") return random.pick(["stock", "payment"]);
  return kind === "lose_log_tail" || kind === "lose_leases" ? "orders" : random.pick(names);
}

function strengthOf(random: SeededRandom, kind: FaultKind): number {
  if (kind === "crash_at_point") return 1 + random.below(40);
  if (kind === "lose_log_tail") return random.chance(0.5) ? 0 : 1 + random.below(tailMax);
  if (kind === "lose_votes") return 1 + random.below(tailMax);
  return random.pick([0.05, 0.3, 0.8]);
}

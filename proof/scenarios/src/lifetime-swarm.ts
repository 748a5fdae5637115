// The swarm of lifetime worlds (P7): few outages, each longer than every lifetime, lost `forget`s, and messages that
// arrive after all records are removed. It is separate, so that the seeds of storms keep their meaning.
import type { Fault, FaultKind } from "@assent/simulator";
import type { SeededRandom } from "assent/testing";
import { slotNames, type Swarm } from "./swarm.ts";
import { shortLived } from "./world-limits.ts";

const { maxAgeMs, clockSkewMs } = shortLived;
/** Outages begin within this time, while orders are being paid. */
const beginMaxMs = 5_000;
/** More than the longest lifetime, which is 4 × `maxAgeMs` after the end of a transaction. */
const outageMinMs = 5 * maxAgeMs;
const outageMaxMs = 9 * maxAgeMs;
/** Times of the faults outside the outages; and the pause after the last of them before everything heals. */
const shortMaxMs = 2_000;
const shortFaultsMax = 5;

type Target = "order" | "stock" | "payment" | "bus" | "order_store" | "stock_store" | "payment_store" | "link";

const targets: readonly Target[] = [
  "order",
  "stock",
  "payment",
  "bus",
  "order_store",
  "stock_store",
  "payment_store",
  "link",
];

export function lifetimeSwarmOf(random: SeededRandom): Swarm {
  const slots = { order: 1 + random.below(2), stock: 1 + random.below(2), payment: 1 + random.below(2) };
  const away = random.chance(0.3) ? [random.pick(targets), random.pick(targets)] : [random.pick(targets)];
  const outages = [...new Set(away)].flatMap((target) => outageOf(random, target, slots));
  const stormMs = Math.max(...outages.map(({ atMs, forMs }) => atMs + forMs)) + shortMaxMs;
  const short = Array.from({ length: random.below(shortFaultsMax) }, () => shortFault(random, away, slots));
  const forgets = random.chance(0.6) ? [lostForgets(random, stormMs)] : [];
  const faults = [...outages, ...short.flat(), ...forgets].sort((a, b) => a.atMs - b.atMs);
  return {
    world: "lifetimes",
    stormMs,
    protocol: random.pick(["2pc", "saga", "auto", "mixed"]),
    shape: random.pick(["plain", "plain", "sharded", "chained"]),
    slots,
    orders: 3 + random.below(8),
    items: 1 + random.below(4),
    users: 1 + random.below(4),
    stockPerItem: random.pick([2, 5, 20, 100]),
    creditPerUser: random.pick([3, 10, 40, 200]),
    linesPerOrder: 1 + random.below(4),
    pauseMs: random.pick([200, 500, 2_000]),
    skewMs: random.chance(0.3) ? clockSkewMs : 0,
    deposits: random.chance(0.3),
    reseeds: random.chance(0.1),
    addsItems: true,
    faults,
  };
}

/** An outage longer than every lifetime: one fault for each affected process or link. */
function outageOf(random: SeededRandom, target: Target, slots: Swarm["slots"]): readonly Fault[] {
  const when = {
    atMs: random.uniform() * beginMaxMs,
    forMs: outageMinMs + random.uniform() * (outageMaxMs - outageMinMs),
  };
  const names = (service: string): readonly string[] => slotNames(slots).filter((slot) => slot.startsWith(service));
  switch (target) {
    case "bus":
      return [{ ...when, kind: random.pick(["bus_down", "very_late"]), target, strength: random.pick([0.3, 0.8]) }];
    case "order_store":
    case "stock_store":
    case "payment_store": {
      const kind = random.pick<FaultKind>(["store_failures", "store_lost_replies", "store_full"]);
      return [
        { ...when, kind, target: target === "order_store" ? "orders" : target.replace("_store", ""), strength: 1 },
      ];
    }
    case "link": {
      const service = random.pick(["stock", "payment"]);
      const [from, to] = random.pick([
        ["order", service],
        [service, "order"],
      ] as const);
      const links = names(from).flatMap((sender) => names(to).map((receiver) => `${sender}>${receiver}`));
      return links.map((link) => ({ ...when, kind: "cut_one_way", target: link, strength: 1 }));
    }
    case "order":
    case "stock":
    case "payment": {
      const kind = random.pick<FaultKind>(["crash", "crash_at_point", "pause"]);
      const strength = 1 + random.below(40);
      return names(target).map((slot) => ({ ...when, kind, target: slot, strength }));
    }
  }
}

/** A short fault of a part without an outage: it would end the outage otherwise. */
function shortFault(random: SeededRandom, away: readonly Target[], slots: Swarm["slots"]): readonly Fault[] {
  const atMs = random.uniform() * 2 * beginMaxMs;
  const when = { atMs, forMs: 50 + random.uniform() * (shortMaxMs - 50), strength: random.pick([0.3, 0.8]) };
  const service = random.pick(["order", "stock", "payment"] as const);
  const slot = random.pick(slotNames(slots).filter((name) => name.startsWith(service)));
  const kind = random.pick<FaultKind>([
    "crash",
    "pause",
    "bad_weather",
    "store_failures",
    "store_lost_replies",
    "store_slow",
    "lose_leases",
  ]);
  if (kind === "crash" || kind === "pause") return away.includes(service) ? [] : [{ ...when, kind, target: slot }];
  if (kind === "bad_weather") return away.includes("bus") ? [] : [{ ...when, kind, target: "bus" }];
  if (kind === "lose_leases") return away.includes("order_store") ? [] : [{ ...when, kind, target: "orders" }];
  return away.includes(`${service}_store`) ? [] : [{ ...when, kind, target: service === "order" ? "orders" : service }];
}

function lostForgets(random: SeededRandom, stormMs: number): Fault {
  return { kind: "lose_forgets", target: "bus", atMs: 0, forMs: stormMs, strength: random.pick([0.5, 0.9, 1]) };
}

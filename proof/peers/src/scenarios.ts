// What happens to a booking, one scenario for every question of docs/reference/side-by-side.md.
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Outcome, Peer, Trip } from "./peer.ts";
import type { Held } from "./sql-proxy.ts";
import { type Books, opening, type World } from "./world.ts";

export interface Scene {
  readonly peer: Peer;
  readonly world: World;
  /** The flight, the wallet and the key of the booking. */
  readonly name: string;
  readonly trip: Trip;
}

export interface Finding {
  readonly outcome: string;
  /** At the end. */
  readonly books: string;
  /** Both or neither, once, and as the outcome says. */
  readonly isRight: boolean;
  /** What another session read while the trip was undecided. */
  readonly seen?: string;
}

type Scenario = (scene: Scene) => Promise<Finding>;

const seats = 2;
const total = 70;
/** Too little for the trip. */
const oneSeat = 1;
const poor = 10;

export function tripOf(name: string): Trip {
  return { flight: name, seats, user: name, total };
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  booked: async (scene) => finish(scene, await book(scene)),
  "sold out: refused": async (scene) => {
    await scene.world.sql("flights", `UPDATE flights SET free = ${oneSeat} WHERE name = '${scene.name}'`);
    return finish(scene, await book(scene));
  },
  "no credit: refused, and the seats are free again": async (scene) => {
    await takeCredit(scene);
    return finish(scene, await book(scene));
  },
  "the same key three times, twice at once": async (scene) => {
    const outcomes = await Promise.all([book(scene), book(scene)]);
    outcomes.push(await book(scene));
    const [first] = outcomes;
    if (first === undefined || !outcomes.every((each) => isDeepStrictEqual(each, first))) {
      return finish(scene, { status: "contradicts", reason: JSON.stringify(outcomes) });
    }
    return finish(scene, first);
  },
  "the same key with another input": async (scene) => {
    await book(scene);
    const outcome = await book({ ...scene, trip: { ...scene.trip, seats: 1 } });
    return { ...(await finish(scene, outcome)), isRight: outcome.status !== "booked" };
  },
  "kill -9 of the service after the commit of the seats, before its answer": (scene) =>
    killAfter(scene, () => scene.world.flights.hold("committed")),
  "kill -9 of the service after the commit of the undo, before its answer": async (scene) => {
    await takeCredit(scene);
    const undone = scene.world.wallet.hold("asked").then((held) => {
      const next = scene.world.flights.hold("committed");
      held.release();
      return next;
    });
    return killAfter(scene, () => undone);
  },
  "the answer to the commit of the seats is lost; all processes live": (scene) =>
    cutAfter(scene, () => scene.world.flights.hold("committed")),
  "the answer to the commit of the money is lost; all processes live": (scene) =>
    cutAfter(scene, () => scene.world.wallet.hold("committed")),
  "kill -9 of the orchestrator between the two steps": async (scene) => {
    const { peer, world } = scene;
    const holding = world.wallet.hold("asked");
    const first = settled(book(scene));
    const held = await arrived(holding, first);
    await peer.kill("orchestrator");
    held.cut();
    const seen = describe(await world.books(scene.name));
    await peer.restart("orchestrator");
    const outcome = await book(scene);
    await first;
    return { ...(await finish(scene, outcome)), seen };
  },
  "kill -9 between the two steps; another process of the application goes on": async (scene) => {
    const { peer, world, name } = scene;
    const [holding, first] = [world.wallet.hold("asked"), settled(book(scene))];
    const held = await arrived(holding, first);
    await peer.kill("orchestrator");
    held.cut();
    const other = `${name}_other`;
    await world.fill(other);
    const deadline = performance.now() + answerDeadlineMs;
    while (performance.now() < deadline) {
      await peer.bookElsewhere?.(other, tripOf(other));
      const books = await world.books(name);
      if (isBooked(books) || isUntouched(books)) break;
    }
    const { sold } = await world.books(name);
    return finish(scene, sold === 0 ? { status: "refused" } : { status: "booked" });
  },
  "what others see of a trip that is refused in the end": async (scene) => {
    await takeCredit(scene);
    const holding = scene.world.wallet.hold("asked");
    const first = settled(book(scene));
    const held = await arrived(holding, first);
    const seen = describe(await scene.world.books(scene.name));
    held.release();
    await first;
    return { ...(await finish(scene, await book(scene))), seen };
  },
};

/** Longer than every retry interval of the peers. */
const answerDeadlineMs = 30_000;

function book({ peer, name, trip }: Scene): Promise<Outcome> {
  const silent = { status: "no answer", reason: `within ${answerDeadlineMs / 1000} s` };
  return Promise.race([peer.book(name, trip), setTimeout(answerDeadlineMs, silent, { ref: false })]);
}

async function takeCredit({ world, name }: Scene): Promise<void> {
  await world.sql("wallet", `UPDATE wallets SET credit = ${poor} WHERE owner = '${name}'`);
}

async function killAfter(scene: Scene, hold: () => Promise<Held>): Promise<Finding> {
  const holding = hold();
  const first = settled(book(scene));
  const held = await arrived(holding, first);
  await scene.peer.kill("service");
  held.cut();
  await scene.peer.restart("service");
  const outcome = await book(scene);
  await first;
  return finish(scene, outcome);
}

async function cutAfter(scene: Scene, hold: () => Promise<Held>): Promise<Finding> {
  const holding = hold();
  const first = settled(book(scene));
  (await arrived(holding, first)).cut();
  const outcome = await first;
  if (outcome.status !== "no answer") return finish(scene, outcome);
  const seen = describe(await scene.world.books(scene.name));
  await scene.peer.kill("orchestrator");
  await scene.peer.restart("orchestrator");
  const { outcome: later, ...finding } = await finish(scene, await book(scene));
  return { ...finding, isRight: false, seen, outcome: `${outcome.status} ${outcome.reason}; after a restart ${later}` };
}

/** The first caller can lose its answer with the process that would give it. */
async function settled(booking: Promise<Outcome>): Promise<Outcome> {
  try {
    return await booking;
  } catch (error) {
    return { status: "failed", reason: String(error) };
  }
}

async function arrived(holding: Promise<Held>, booking: Promise<Outcome>): Promise<Held> {
  const early = booking.then((outcome) => {
    throw new Error(`ended before its moment: ${JSON.stringify(outcome)}`);
  });
  return Promise.race([holding, early]);
}

async function finish({ world, name }: Scene, outcome: Outcome): Promise<Finding> {
  const books = await world.books(name);
  const isRight = outcome.status === "booked" ? isBooked(books) : outcome.status === "refused" && isUntouched(books);
  return { outcome: [outcome.status, outcome.reason].filter(Boolean).join(": "), books: describe(books), isRight };
}

function isBooked({ sold, spent, free, credit }: Books): boolean {
  return sold === seats && spent === total && free === opening.free - seats && credit === opening.credit - total;
}

/** Nothing is sold, and nothing is held: all is there that the scenario has begun with. */
function isUntouched({ sold, spent, free, credit }: Books): boolean {
  return sold === 0 && spent === 0 && [opening.free, oneSeat].includes(free) && [opening.credit, poor].includes(credit);
}

function describe({ free, sold, credit, spent }: Books): string {
  return `free ${free}, sold ${sold}; credit ${credit}, spent ${spent}`;
}

// The three shapes of handlers in both protocols, and what becomes of a handler with a bug.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { bookTrip, type FlightHandlers, flights, paying, reserving, Trips, wallet } from "../../test-kit/trips.ts";
import { memory } from "../memory/index.ts";
import { type Coordinator, type RunResult, serve, service, transaction } from "./index.ts";

const book = (trips: Trips, booking: Coordinator, key = "k") =>
  trips.clock.until(booking.run(bookTrip, key, { seats: 2 }));

function reasonOf(result: RunResult<never>): readonly unknown[] {
  return result.kind === "aborted" ? [result.step, result.reason] : [result.kind];
}

/** While the second step is refused or not: what others could see of the first. */
async function whileUndecided(protocol: "2pc" | "saga"): Promise<readonly unknown[]> {
  const trips = new Trips();
  await trips.serveFlights();
  const seen: unknown[] = [];
  await trips.serveWallet({ ...paying, do: (step) => (seen.push(...trips.books), paying.do(step)) });
  await book(trips, await trips.coordinate({ protocol }));
  await trips.clock.advance(1_000);
  assert.deepEqual(trips.books, [7, 0, 2, 93]);
  return seen;
}

test("a reserved action hides what is not decided in two-phase commit, and a saga sells at once", async () => {
  assert.deepEqual(await whileUndecided("2pc"), [7, 2, 0, 100]);
  assert.deepEqual(await whileUndecided("saga"), [7, 0, 2, 100]);
});

const { undo: _undo, ...reservedOnly } = reserving;

test("a service that is asked for a protocol that it cannot do says so at once, and nothing is left", async () => {
  const trips = new Trips();
  await trips.serveFlights(reservedOnly as FlightHandlers["book"]);
  await trips.serveWallet();
  const booking = await trips.coordinate({ protocol: "saga" });
  const running = booking.run(bookTrip, "k", { seats: 2 });
  const result = await trips.clock.until(running, 10);
  assert.deepEqual(reasonOf(result as RunResult<never>), ["seat", "protocol_unsupported"]);
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
  assert.deepEqual(trips.seen("HandlerFailed"), []);
});

test("`auto` does not ask for a protocol that a service has declared it cannot do", async () => {
  for (const declared of ["2pc", "saga"] as const) {
    const trips = new Trips();
    const only = service("only", { act: { input: z.object({}), protocols: [declared] } });
    const { surroundings } = trips;
    await serve(only, { ...surroundings, store: memory() }, { act: { do: () => undefined, undo: () => undefined } });
    const acting = transaction("acting", { input: z.object({}), steps: () => ({ only: only.act({}) }) });
    const booking = await trips.coordinate({ transactions: [acting] });
    assert.equal((await trips.clock.until(booking.run(acting, "k", {}))).kind, "committed");
    assert.deepEqual(
      trips.seen("TransactionBegun").map(({ protocol }) => protocol),
      [declared],
    );
  }
});

test("a transaction's own protocol comes before the coordinator's", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const saga = transaction("saga", {
    input: z.object({}),
    protocol: "saga",
    steps: () => ({ pay: wallet.pay({ amount: 1 }) }),
  });
  const booking = await trips.coordinate({ transactions: [saga], protocol: "2pc" });
  await trips.clock.until(booking.run(saga, "k", {}));
  assert.equal(trips.seen("TransactionBegun")[0]?.protocol, "saga");
});

const bugs: readonly (readonly [what: string, handle: () => unknown])[] = [
  ["throws", () => assert.fail("a bug")],
  ["rejects", () => Promise.reject(new TypeError("a bug"))],
  ["returns nothing where an output is declared", () => undefined],
  ["returns an output that its schema refuses", () => ({ reference: 7 })],
];

for (const [what, handle] of bugs) {
  test(`a handler that ${what} is observed at once, changes nothing, and cuts off no other transaction`, async () => {
    const trips = new Trips();
    let isBroken = true;
    const reserve: (typeof reserving)["reserve"] = (step) => {
      const good = reserving.reserve(step);
      return isBroken && step.key === "broken" ? (handle() as typeof good) : good;
    };
    await trips.serveFlights({ ...reserving, reserve });
    await trips.serveWallet();
    const booking = await trips.coordinate({ protocol: "2pc" });
    const broken = booking.run(bookTrip, "broken", { seats: 2 });
    await trips.clock.advance(20);
    const [failed] = trips.seen("HandlerFailed");
    assert.deepEqual([failed?.branchId, failed?.verb], ["seat/0", "prepare"]);
    for (let other = 0; other < 3; other += 1) {
      assert.equal((await book(trips, booking, `other${other}`)).kind, "committed");
    }
    assert.deepEqual(reasonOf((await trips.clock.until(broken)) as RunResult<never>), ["seat", "handler_failed"]);
    assert.deepEqual(trips.seen("BreakerChanged"), []);
    isBroken = false;
    await trips.clock.advance(1_000);
    assert.deepEqual(trips.books, [3, 0, 6, 79]);
  });
}

test("a handler that never returns is signalled, fails at the deadline, and changes nothing later", async () => {
  const trips = new Trips();
  let resume = (): void => undefined;
  const signals: AbortSignal[] = [];
  await trips.serveFlights({
    ...reserving,
    reserve: async (step) => {
      signals.push(step.signal);
      await new Promise<void>((resolve) => (resume = resolve));
      return reserving.reserve(step);
    },
  });
  await trips.serveWallet();
  const booking = await trips.coordinate({ protocol: "2pc" });
  const running = book(trips, booking);
  assert.equal((await running).kind, "aborted");
  await trips.clock.advance(20_000);
  assert.equal(signals[0]?.aborted, true);
  assert.ok(trips.seen("HandlerFailed").length > 0);
  resume();
  await trips.clock.advance(60_000);
  assert.deepEqual(trips.books, [9, 0, 0, 100]);
});

test("a refusal that the handler catches itself is a bug, and not a yes", async () => {
  const trips = new Trips();
  const swallowing: (typeof reserving)["reserve"] = (step) => {
    try {
      return step.refuse("sold_out");
    } catch {
      return { reference: "none" };
    }
  };
  await trips.serveFlights({ ...reserving, reserve: swallowing });
  await trips.serveWallet();
  const result = await book(trips, await trips.coordinate({ protocol: "2pc" }));
  assert.deepEqual(reasonOf(result as RunResult<never>), ["seat", "handler_failed"]);
  assert.match(trips.seen("HandlerFailed")[0]?.error.message ?? "", /caught/);
});

test("an action or an input that the service does not know is refused at once", async () => {
  const trips = new Trips();
  await trips.serveBoth();
  const newer = service("flights", {
    upgrade: { input: z.object({}) },
    book: { input: z.object({ seats: z.string() }) },
  });
  const newest = transaction("newest", {
    input: z.object({ which: z.enum(["upgrade", "book"]) }),
    steps: ({ which }) => ({ step: which === "book" ? newer.book({ seats: "two" }) : newer.upgrade({}) }),
  });
  const booking = await trips.coordinate({ transactions: [newest] });
  for (const [which, reason] of [
    ["upgrade", "unknown_action"],
    ["book", "invalid_input"],
  ] as const) {
    const running = booking.run(newest, which, { which });
    assert.deepEqual(reasonOf((await trips.clock.until(running, 10)) as RunResult<never>), ["step", reason]);
  }
  assert.deepEqual(trips.seen("HandlerFailed"), []);
});

test("a handler gets its parsed input, its key, its branch, and what its vote returned", async () => {
  const trips = new Trips();
  const seen: unknown[] = [];
  await trips.serveFlights({
    ...reserving,
    reserve: (step) => (seen.push(step.input, step.key, step.branch === `${step.tx}/seat/0`), reserving.reserve(step)),
    confirm: (step) => (seen.push(step.output.reference === step.tx), reserving.confirm(step)),
  });
  await trips.serveWallet();
  await book(trips, await trips.coordinate({ protocol: "2pc" }));
  await trips.clock.advance(1_000);
  assert.deepEqual(seen, [{ seats: 2, class: "any" }, "k", true, true]);
});

for (const [shape, handlers, books] of [
  ["reserved", reserving, [7, 0, 2, 93]],
  [
    "done at once",
    {
      do: reserving.reserve,
      undo: reserving.release,
    },
    [7, 2, 0, 93],
  ],
  [
    "written as operations",
    {
      prepare: () => ({ kind: "ok", memo: 1, output: { reference: "r" } }),
      commit: () => ({ kind: "ok" }),
      abort: () => ({ kind: "ok" }),
      execute: () => ({ kind: "ok" }),
      compensate: () => ({ kind: "ok" }),
    },
    [9, 0, 0, 93],
  ],
] satisfies readonly (readonly [string, FlightHandlers["book"], readonly number[]])[]) {
  test(`P9 a decided commit whose reservation was lost: an action that is ${shape}`, async () => {
    const trips = new Trips();
    const before = await trips.serveFlights(handlers);
    let isPaid = (): void => undefined;
    const paid = new Promise<void>((resolve) => (isPaid = resolve));
    await trips.serveWallet({ ...paying, do: async (step) => (await paid, paying.do(step)) });
    const booking = await trips.coordinate({ protocol: "2pc" });
    const running = booking.run(bookTrip, "k", { seats: 2 });
    await trips.clock.advance(100);
    // The service comes back over a database of an earlier time.
    await before.close();
    const lost = memory([
      ["free", 9],
      ["held", 0],
      ["sold", 0],
    ]);
    const { surroundings } = trips;
    await serve(flights, { ...surroundings, store: lost }, { book: handlers });
    isPaid();
    assert.equal((await trips.clock.until(running)).kind, "committed");
    await trips.clock.advance(5_000);
    assert.deepEqual([...lost.rows.values(), trips.purse.rows.get("credit")], books);
    const parked = trips.seen("TransactionParked").map(({ note }) => note.reason);
    const expected = shape === "written as operations" ? "heuristic_hazard" : undefined;
    assert.equal(parked[0], expected, "without `reapply` it waits for an operator");
  });
}

test("a service that closes finishes what is at work, and takes nothing more", async () => {
  const trips = new Trips();
  let isFree = (): void => undefined;
  const free = new Promise<void>((resolve) => (isFree = resolve));
  const served = await trips.serveFlights({
    ...reserving,
    reserve: async (step) => (await free, reserving.reserve(step)),
  });
  await trips.serveWallet();
  const booking = await trips.coordinate({ protocol: "2pc" });
  const running = booking.run(bookTrip, "k", { seats: 2 });
  await trips.clock.advance(100);
  let isClosed = false;
  const closing = served.close().then(() => (isClosed = true));
  await trips.clock.advance(100);
  assert.equal(isClosed, false);
  isFree();
  await trips.clock.until(closing);
  await trips.serveFlights();
  assert.equal((await trips.clock.until(running)).kind, "committed");
  await trips.clock.advance(10_000);
  assert.deepEqual(trips.books, [7, 0, 2, 93]);
});

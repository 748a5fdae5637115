// Each verb of a test world does what it says, in both protocols; and a world is the same one for the same seed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bookTrip, type FlightHandlers, flights, paying, reserving, wallet } from "../../test-kit/trips.ts";
import { memory, type MemoryDatabase } from "../memory/index.ts";
import type { ServiceStore } from "../participant/index.ts";
import type { BranchStore } from "../ports/index.ts";
import { settle } from "./virtual-clock.ts";
import { testWorld, type TestWorld, type TestWorldOptions } from "./index.ts";

type Trip = typeof bookTrip;
type Options = Omit<TestWorldOptions<Trip>, "transactions">;

interface Books {
  readonly world: TestWorld<Trip>;
  readonly seats: MemoryDatabase<number>;
  readonly purse: MemoryDatabase<number>;
}

const open = (options: Options = {}): Promise<TestWorld<Trip>> => testWorld({ transactions: [bookTrip], ...options });

/** A world with the real handlers. */
async function served(options: Options = {}, book: FlightHandlers["book"] = reserving): Promise<Books> {
  const world = await open(options);
  const seats = memory([
    ["free", 9],
    ["held", 0],
    ["sold", 0],
  ]);
  const purse = memory([["credit", 100]]);
  await world.serve(flights, { store: seats }, { book });
  await world.serve(wallet, { store: purse }, { pay: paying });
  return { world, seats, purse };
}

function left({ seats, purse }: Books): readonly (number | undefined)[] {
  return [...["free", "held", "sold"].map((name) => seats.rows.get(name)), purse.rows.get("credit")];
}

const untouched = [9, 0, 0, 100];
const booked = [7, 0, 2, 93];

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: services that are not served accept, and return what the test gave`, async () => {
    await using world = await open({ protocol });
    world.returns("seat", { reference: "r1" });
    const result = await world.run(bookTrip, "k", { seats: 2 });
    assert.ok(result.kind === "committed");
    assert.deepEqual(result.steps, { seat: { reference: "r1" } });
    await world.settled();
    const states = world.branches("k").map(({ step, service, state }) => [step, service, state]);
    const done = protocol === "2pc" ? "committed" : "completed";
    assert.deepEqual(states, [
      ["seat", "flights", done],
      ["pay", "wallet", done],
    ]);
    assert.deepEqual(world.branches("other"), []);
    await world.assertAtomic();
  });

  test(`${protocol}: real handlers run over their stores`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    const result = await world.run(bookTrip, "k", { seats: 2 });
    assert.ok(result.kind === "committed");
    assert.deepEqual(result.steps.seat, { reference: result.tx });
    await world.settled();
    assert.deepEqual(left(books), booked);
  });

  test(`${protocol}: a refused step aborts with its reason, as often as asked for`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    world.refuse("pay", "no_credit", { times: 1 });
    const result = await world.run(bookTrip, "k", { seats: 2 });
    assert.ok(result.kind === "aborted");
    assert.deepEqual([result.step, result.reason], ["pay", "no_credit"]);
    await world.settled();
    assert.deepEqual(left(books), untouched);
    await world.assertAtomic();
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
    assert.deepEqual(world.faults, ["refuse with no_credit: pay (vote)"]);
  });

  test(`${protocol}: a vote that fails twice is tried again, and nothing of the failures is kept`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    world.fail("seat", { times: 2 });
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
    await world.settled();
    assert.deepEqual(left(books), booked);
    assert.equal(world.observed.filter(({ type }) => type === "HandlerFailed").length, 2);
  });

  test(`${protocol}: a vote that fails until the deadline aborts, and after heal it does not`, async () => {
    await using world = await open({ protocol });
    world.fail("seat");
    const result = await world.run(bookTrip, "k", { seats: 2 });
    assert.ok(result.kind === "aborted");
    assert.deepEqual([result.step, result.reason], ["seat", "handler_failed"]);
    world.heal("seat");
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
  });

  test(`${protocol}: an undo that fails is tried until it succeeds`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    world.refuse("pay", "no_credit");
    world.fail("seat", { at: "decision", times: 3 });
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "aborted");
    await world.settled();
    assert.equal(world.faults.filter((fault) => fault === "fail: seat (decision)").length, 3);
    assert.deepEqual(left(books), untouched);
  });

  test(`${protocol}: an answer that is lost is asked for again, and the step is done once`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    world.lose("seat", { times: 2 });
    const before = world.clock.monotonic();
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
    assert.ok(world.clock.monotonic() - before > 4_000, "each is waited for");
    await world.settled();
    assert.deepEqual(left(books), booked);
    world.lose("seat", { times: 1 });
    await world.until((await world.coordinator).start(bookTrip, "other", { seats: 2 }));
    await world.advance(500);
    assert.deepEqual(
      world.branches("other").map(({ step }) => step),
      ["seat"],
      "it is done, and its answer is lost",
    );
  });

  test(`${protocol}: a command that comes late is carried out, and late is too late for a vote`, async () => {
    const books = await served({ protocol });
    await using world = books.world;
    world.delay("pay", 1_000, { times: 1 });
    const before = world.clock.monotonic();
    assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
    assert.ok(world.clock.monotonic() - before >= 1_000);
    world.delay("pay", 30_000);
    const late = await world.run(bookTrip, "late", { seats: 2 });
    assert.ok(late.kind === "aborted" && late.reason === "timeout");
    await world.advance(60_000);
    await world.settled();
    assert.deepEqual(left(books), booked);
    await world.assertAtomic();
  });

  for (const point of ["begun", "decided", "ended"] as const) {
    test(`${protocol}: another process goes on after a crash of the coordinator (${point})`, async () => {
      const books = await served({ protocol });
      await using world = books.world;
      world.crash(point);
      const result = await world.run(bookTrip, "k", { seats: 2 });
      await world.settled();
      assert.deepEqual(world.faults, [`crash (${point})`]);
      assert.deepEqual(left(books), result.kind === "committed" ? booked : untouched);
      assert.equal(result.kind === "committed", point !== "begun");
      await world.assertAtomic();
      const history = await world.history(bookTrip, "k");
      assert.equal(new Set(history.map(({ owner }) => owner)).size, point === "ended" ? 1 : 2);
    });
  }

  test(`${protocol}: an undo that forgets something shows in the books`, async () => {
    const forgetful = { ...reserving, release: () => undefined, undo: () => undefined };
    const books = await served({ protocol }, forgetful);
    await using world = books.world;
    world.refuse("pay", "no_credit");
    await world.run(bookTrip, "k", { seats: 2 });
    await world.settled();
    assert.notDeepEqual(left(books), untouched);
  });
}

test("faults of a decision do not strike votes, and the other way round", async () => {
  await using world = await open({ protocol: "2pc" });
  world.fail("seat", { at: "decision", times: 1 });
  world.lose("pay", { at: "decision", times: 1 });
  assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
  await world.settled();
  assert.deepEqual([...world.faults].sort(), ["fail: seat (decision)", "lose: pay (decision)"]);
});

test("a world that cannot settle says what has not ended", async () => {
  await using world = await open({ protocol: "2pc" });
  world.fail("seat", { at: "decision" });
  assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
  await assert.rejects(world.settled(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "not_settled");
    assert.match(error.message, /book_trip k is parked \(handler_failed_in_flights\); seat of flights is prepared/);
    return true;
  });
});

test("a failure of a handler that no fault caused is observed", async () => {
  const errors: unknown[] = [];
  const bug = { ...reserving, reserve: () => assert.fail("a bug") };
  const { world } = await served({ observe: (seen) => void (seen.type === "HandlerFailed" && errors.push(seen)) }, bug);
  await using _world = world;
  assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "aborted");
  assert.ok(errors.length > 0);
});

test("time stands still while a store that is not in memory is at work", async () => {
  await using world = await open();
  const inner = memory([["credit", 100]]);
  const slow: ServiceStore<Map<string, number>> = {
    async openBranches(options) {
      const opened = await inner.openBranches(options);
      const turns = async (): Promise<void> => {
        for (let turn = 0; turn < 50; turn += 1) await settle();
      };
      const apply: BranchStore["apply"] = async (...sent) => {
        await turns();
        return opened.branches.apply(...sent);
      };
      return { ...opened, branches: { ...opened.branches, apply } };
    },
  };
  await world.serve(wallet, { store: slow }, { pay: paying });
  const before = world.clock.monotonic();
  assert.equal((await world.run(bookTrip, "k", { seats: 2 })).kind, "committed");
  assert.ok(world.clock.monotonic() - before < 100);
});

test("a handler that never returns is over at its limit of virtual time", async () => {
  const hanging = { ...reserving, reserve: () => new Promise<never>(() => undefined) };
  const { world } = await served({ observe: () => undefined }, hanging);
  await using _world = world;
  const result = await world.run(bookTrip, "k", { seats: 2 });
  assert.ok(result.kind === "aborted");
});

test("a world is the same one for the same seed, and another one for another seed", async () => {
  const observed = async (seed: number): Promise<string> => {
    const { world } = await served({ seed, observe: () => undefined });
    await using _world = world;
    world.lose("pay", { times: 1 });
    world.fail("seat", { times: 2 });
    world.crash("decided");
    await world.run(bookTrip, "k", { seats: 2 });
    await world.settled();
    return JSON.stringify([world.observed, await world.history(bookTrip, "k")]);
  };
  assert.equal(await observed(1), await observed(1));
  assert.notEqual(await observed(1), await observed(2));
});

test("misspelt steps, reasons and outputs do not compile", async () => {
  await using world = await open();
  // @ts-expect-error -- no such step
  world.fail("seats");
  // @ts-expect-error -- a reason of another step
  world.refuse("pay", "sold_out");
  // @ts-expect-error -- an output of another type
  world.returns("seat", { reference: 1 });
});

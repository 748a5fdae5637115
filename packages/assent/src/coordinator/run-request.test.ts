// A call is checked first: refused input does not use up its key, and the stored input is what the schema returned.
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { trip, type Trip, tripSchema, World } from "../../test-kit/world.ts";
import { defineTransaction } from "./definition.ts";
import type { RunRequest } from "./run-request.ts";
import type { StandardSchema } from "./standard-schema.ts";

// oxlint-disable-next-line no-restricted-globals -- as a value, no clock
const aDate = new Date(0);
const one = { hotel: "h", rooms: 1, flight: "f", seats: 1 };
const weekend = defineTransaction({
  name: "weekend",
  input: z.object({ rooms: z.int().min(1), pets: z.boolean().default(false) }),
  steps: { rooms: { service: "hotels", payload: ({ rooms }) => ({ entries: [["h", rooms]] }) } },
});

async function booted() {
  const world = await World.with({ rooms: 9, seats: 9 });
  return { world, ...world.boot({ protocol: "2pc", definitions: [trip, weekend] }) };
}

const unfitKeys = [
  "",
  "k".repeat(257),
  "k".repeat(250),
  "k\ud800",
  "\udc00",
  "order-😀".slice(0, 7),
  7,
  undefined,
  null,
];

test("a key that is no name, or leaves no room for an attempt, is refused and claims nothing", async () => {
  const { world, orchestrator } = await booted();
  for (const key of unfitKeys) {
    const request = { key, input: { ...one } } as RunRequest;
    await assert.rejects(world.clock.until(orchestrator.run(trip, request)), { code: "invalid_input" }, String(key));
  }
  for (const key of unfitKeys.filter((key) => key !== "k".repeat(250))) {
    await assert.rejects(world.clock.until(orchestrator.run(trip, { key, fromRow: true } as RunRequest)), {
      code: "invalid_input",
    });
    await assert.rejects(world.clock.until(orchestrator.status(trip, key as string)), { code: "invalid_input" });
  }
  assert.deepEqual(world.scriptedLog.calls, []);
  assert.equal(orchestrator.load().inFlight, 0);
});

test("keys of any script are taken, beyond the basic plane, too", async () => {
  const { world, orchestrator } = await booted();
  for (const key of ["😀", "\u{10ffff}", "\uffff", "ключ:1", "a".repeat(200)]) {
    const request = { key, input: { ...one } };
    assert.equal((await world.clock.until(orchestrator.run(trip, request))).kind, "committed", key);
    assert.equal((await world.clock.until(orchestrator.status(trip, key))).kind, "committed", key);
  }
});

test("a call gives either an input or the word that the row is there", async () => {
  const { world, orchestrator } = await booted();
  for (const request of [{ key: "k" }, { key: "k", fromRow: false }, { key: "k", fromRow: true, input: { ...one } }]) {
    await assert.rejects(world.clock.until(orchestrator.run(trip, request as RunRequest)), { code: "invalid_input" });
  }
});

function unfitInputs(): readonly (readonly [what: string, input: unknown])[] {
  const circle: Record<string, unknown> = { ...one };
  circle["self"] = circle;
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level += 1) deep = { deep };
  const getter = Object.defineProperty({ ...one }, "bad", {
    enumerable: true,
    get() {
      throw new Error("a getter that throws");
    },
  });
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error("a proxy that throws");
      },
    },
  );
  const extras: readonly (readonly [string, unknown])[] = [
    ["a BigInt", 10n],
    ["NaN", Number.NaN],
    ["Infinity", Infinity],
    ["-0", -0],
    ["a Map", new Map()],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["undefined in a list", [undefined]],
    // oxlint-disable-next-line no-sparse-arrays -- that is the point
    ["a list with a gap", [1, , 2]],
    ["a Date", aDate],
    ["10,000 levels", deep],
    ["a proxy", proxy],
    ["65,537 bytes", "x".repeat(65_537)],
  ];
  return [
    ["a cycle", circle],
    ["a getter", getter],
    ["__proto__", JSON.parse('{"hotel":"h","rooms":1,"flight":"f","seats":1,"__proto__":{"a":1}}')],
    ["a list", [one]],
    ["a text", "one"],
    ["null", null],
    ...extras.map(([what, extra]) => [what, { ...one, extra }] as const),
  ];
}

for (const [what, input] of unfitInputs()) {
  test(`input that JSON cannot carry is refused before anything: ${what}`, async () => {
    const { world, orchestrator } = await booted();
    const request = { key: "k", input } as RunRequest;
    await assert.rejects(world.clock.until(orchestrator.run(trip, request)), {
      name: "InvalidInput",
      code: "invalid_input",
    });
    assert.deepEqual([world.scriptedLog.calls, world.network.sent], [[], []]);
    assert.equal((await world.clock.until(orchestrator.run(trip, { key: "k", input: { ...one } }))).kind, "committed");
  });
}

test("input that JSON cannot carry is refused, also where the schema would drop it", async () => {
  const { world, orchestrator } = await booted();
  const request = { key: "k", input: { rooms: 1, dropped: 10n } } as unknown as RunRequest;
  await assert.rejects(world.clock.until(orchestrator.run(weekend, request)), { code: "invalid_input" });
  assert.deepEqual(world.scriptedLog.calls, []);
});

test("input that the schema refuses burns no key", async () => {
  const { world, orchestrator } = await booted();
  await assert.rejects(world.clock.until(orchestrator.run(weekend, { key: "k", input: { pets: true } })), {
    code: "invalid_input",
  });
  assert.deepEqual(world.scriptedLog.calls, []);
  const result = await world.clock.until(orchestrator.run(weekend, { key: "k", input: { rooms: 1 } }));
  assert.deepEqual([result.kind, "txId" in result && result.txId.endsWith(":1")], ["committed", true]);
});

test("what the schema returned is stored and compared: a default written out makes no difference", async () => {
  const { world, orchestrator } = await booted();
  const run = (input: object) => world.clock.until(orchestrator.run(weekend, { key: "k", input: input as never }));
  assert.equal((await run({ rooms: 1 })).kind, "committed");
  assert.deepEqual((await world.row("k"))?.fields, { rooms: 1, pets: false });
  for (const same of [
    { rooms: 1, pets: false },
    { pets: undefined, rooms: 1 },
    { rooms: 1, unknown: "dropped" },
  ]) {
    const result = await run(same);
    assert.deepEqual([result.kind, "repeated" in result && result.repeated], ["committed", true]);
  }
  assert.equal((await run({ rooms: 1, pets: true })).kind, "unmet");
});

const schemaOf = (validate: (value: unknown) => unknown): StandardSchema<Trip> => ({
  "~standard": { version: 1, vendor: "test", validate: validate as StandardSchema<Trip>["~standard"]["validate"] },
});

for (const [what, schema] of [
  ["answers later", schemaOf((value) => Promise.resolve({ value }))],
  ["answers later, with a failure", schemaOf(() => Promise.reject(new Error("no")))],
  ["throws", schemaOf(() => JSON.parse("{"))],
  ["returns what JSON cannot carry", schemaOf((value) => ({ value: { ...(value as Trip), at: aDate } }))],
  ["returns no object", schemaOf(() => ({ value: "a text" }))],
  [
    "changes its own output",
    schemaOf((value) => ({ value: { ...(value as Trip), rooms: (value as Trip).rooms + 1 } })),
  ],
] as const) {
  test(`a schema that ${what} is refused at the call`, async () => {
    const { world, orchestrator } = await booted();
    const odd = defineTransaction<Trip>({ ...trip, name: "odd", input: schema });
    const call = orchestrator.run(odd, { key: "k", input: { ...one } });
    await assert.rejects(world.clock.until(call), { name: "InvalidInput", code: "invalid_input" });
    assert.deepEqual(world.scriptedLog.calls, []);
  });
}

test("a row that the definition cannot read is a failure that leaves nothing open, and may be put right", async () => {
  const { world, orchestrator } = await booted();
  await world.clock.until(world.store.rows.putRow("k", "life1", { motel: "h" }));
  const result = await world.clock.until(orchestrator.run(trip, { key: "k", fromRow: true }));
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "invalid_input"]);
  assert.deepEqual([await world.active(), world.network.sent], [[], []]);
  await world.clock.until(world.store.rows.changeRow("k", { set: { ...one } }));
  assert.equal((await world.clock.until(orchestrator.run(trip, { key: "k", fromRow: true }))).kind, "committed");
});

test("a builder that returns what JSON cannot carry fails its transaction, and nothing is sent", async () => {
  const world = await World.with({ rooms: 9, seats: 9 });
  const payload = (): never => ({ entries: [["h", Number.NaN]] }) as never;
  const steps = { rooms: { service: "hotels", payload } };
  const odd = defineTransaction<Trip>({ name: "odd", input: tripSchema, steps });
  const { orchestrator } = world.boot({ definitions: [odd] });
  const result = await world.clock.until(orchestrator.run(odd, { key: "k", input: { ...one } }));
  assert.deepEqual([result.kind, "reason" in result && result.reason], ["aborted", "definition_failed"]);
  assert.deepEqual(world.network.sent, []);
});

// Card payments over a network that loses requests and replies: never charged twice, and nothing kept for an abort.
import { sqlite } from "@assent/sqlite";
import { coordinator, serve, service, transaction } from "assent";
import { memory, memoryBus } from "assent/memory";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { card, cardHandlers, Provided, reconcile } from "./card.ts";
import { Provider } from "./provider.ts";

const waitMaxMs = 60_000;
const goods = service("goods", { take: { input: z.object({ sort: z.string() }), refusals: ["sold_out"] } });
const buy = transaction("buy", {
  input: z.object({ sort: z.string(), card: z.string() }),
  steps: ({ sort, card: number }) => ({ goods: goods.take({ sort }), pay: card.pay({ card: number, amount: 30 }) }),
});
/** Failed calls are given up soon. */
const impatient = { phaseOneDeadlineMs: 1_000, replyWaitMs: 500, contendedWaitMs: 500, retryMaxMs: 200 };

interface ShopOptions {
  readonly protocol: "2pc" | "saga";
  readonly limits?: typeof impatient;
  /** Waited for before goods are taken. */
  readonly gate?: Promise<void>;
}

async function shop(context: TestContext, { protocol, limits, gate }: ShopOptions) {
  const folder = mkdtempSync(join(tmpdir(), "assent-card-"));
  const provider = new Provider();
  const provided = new Provided(await provider.start());
  const file = join(folder, "card.db");
  const [bus, observe] = [memoryBus(), () => undefined];
  const shared = { bus, observe, ...(limits !== undefined && { limits }) };
  const taking = await serve(
    goods,
    { store: memory(), ...shared },
    {
      take: {
        async do({ input, refuse }) {
          await gate;
          if (input.sort === "sold out") refuse("sold_out");
        },
        undo: () => undefined,
      },
    },
  );
  const paying = await serve(card, { store: sqlite(file), ...shared }, cardHandlers(provided));
  const buying = await coordinator({ name: "shop", log: memory(), transactions: [buy], protocol, ...shared });
  const records = new DatabaseSync(file);
  context.after(async () => {
    for (const each of [buying, taking, paying]) await each.close();
    records.close();
    provider.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { provider, provided, buying, records };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMaxMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not so after ${waitMaxMs} ms`);
    await pause(10);
  }
}

for (const protocol of ["2pc", "saga"] as const) {
  test(`${protocol}: calls that are lost and repeated charge a commit once, and an abort never`, async (context) => {
    const { provider, provided, buying, records } = await shop(context, { protocol });
    const tries = new Map<string, number>();
    // The first call of each kind does not arrive, and the reply to the second does not.
    provider.loses = (action, key) => {
      const count = tries.get(action + key) ?? 0;
      tries.set(action + key, count + 1);
      return (["request", "reply"] as const)[count];
    };
    const inputs = Array.from({ length: 12 }, (_, index) => ({
      sort: index % 3 === 0 ? "sold out" : "chair",
      card: index % 4 === 1 ? "declined" : "good",
    }));
    const run = (index: number) => {
      const input = inputs[index];
      assert.ok(input !== undefined);
      return buying.run(buy, `order-${index}`, input);
    };
    const results = await Promise.all(inputs.map((_, index) => run(index)));
    const committed = results.flatMap((result) => (result.kind === "committed" ? [`${result.tx}/pay/0`] : []));
    assert.ok(committed.length > 0);
    for (const [index, result] of results.entries()) {
      const again = result.kind === "committed" ? await run(index) : undefined;
      assert.ok(again === undefined || (again.kind === "committed" && again.repeated));
    }
    const captured = (): readonly string[] =>
      [...provider.payments].flatMap(([key, { state }]) => (state === "captured" ? [key] : []));
    const isOpen = (): boolean => [...provider.payments.values()].some(({ state }) => state === "authorized");
    await until(() => committed.every((key) => provider.payments.get(key)?.state === "captured"));
    provider.loses = () => undefined;
    await until(async () => {
      await reconcile(provided, records, () => 0);
      return !isOpen() && captured().length === committed.length;
    });
    assert.deepEqual(new Set(captured()), new Set(committed));
    const refunded = [...provider.payments.values()].filter(({ state }) => state === "refunded").length;
    assert.equal(provider.moves, committed.length + 2 * refunded);
    assert.ok(provider.calls > 2 * provider.payments.size);
  });

  const lost = protocol === "2pc" ? "authorize" : "capture";
  test(`${protocol}: when no reply to ${lost} arrives, it is given back after the abort`, async (context) => {
    const { provider, provided, buying, records } = await shop(context, { protocol, limits: impatient });
    provider.loses = (action) => (action === lost ? "reply" : undefined);
    const order = { sort: "chair", card: "good" };
    assert.equal((await buying.run(buy, "k", order)).kind, "aborted");
    const [key = "", kept] = [...provider.payments][0] ?? [];
    assert.equal(kept?.state, protocol === "2pc" ? "authorized" : "captured");
    await until(async () => (await reconcile(provided, records, () => 0)).includes(key));
    assert.equal(provider.payments.get(key)?.state, protocol === "2pc" ? "voided" : "refunded");
    assert.deepEqual(await reconcile(provided, records, () => 0), []);
  });
}

test("a payment that may still be recorded is left alone, and any other is given back", async (context) => {
  const gate = Promise.withResolvers<void>();
  const { provider, provided, buying, records } = await shop(context, { protocol: "2pc", gate: gate.promise });
  const running = buying.run(buy, "k", { sort: "chair", card: "good" });
  const isRecorded = records.prepare("SELECT state FROM assent_branches WHERE state = 'prepared'");
  await until(() => isRecorded.get() !== undefined);
  const stray = { card: "good", amount: 5, state: "authorized" } as const;
  provider.payments.set("stray", stray);
  assert.deepEqual(await reconcile(provided, records, () => 0), []);
  assert.deepEqual(await reconcile(provided, records, () => Number.POSITIVE_INFINITY), ["stray"]);
  gate.resolve();
  assert.equal((await running).kind, "committed");
  await until(() => provider.moves === 1);
});

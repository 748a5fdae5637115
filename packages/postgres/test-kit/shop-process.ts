// A process of the shop: its coordinator and both of its services over one database. It books until its input ends,
// then waits until everything has ended. It prints each outcome that a caller has been given.
import {
  defineTransaction,
  LeasedLeadership,
  LeasedOwnership,
  Orchestrator,
  type StandardSchema,
} from "assent/internal/coordinator";
import { Participant } from "assent/internal/participant";
import type { QuestionTransport } from "assent/internal/ports";
import { defaultLimits, type Limits } from "assent/internal/protocol";
import { MemoryTransport } from "assent/memory";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import { postgres } from "@assent/postgres";
import { services, stockHandler } from "./shop.ts";

export interface ShopSettings {
  readonly url: string;
  readonly schema: string;
  /** Of this life of the process: begins its keys. */
  readonly life: string;
  readonly protocol: "2pc" | "saga";
  readonly names: number;
  readonly inFlight: number;
}

/** An outcome that was reported. */
export interface Reported {
  readonly key: string;
  readonly kind: string;
}

const quick: Limits = {
  ...defaultLimits,
  leaseMs: 2_000,
  leaseRenewMs: 500,
  sweepEveryMs: 300,
  askAfterMs: 1_500,
  retryMaxMs: 500,
  parkedRetryMs: 500,
};
const settleMaxMs = 120_000;

interface Booking {
  readonly name: string;
  readonly amount: number;
}

const booking: StandardSchema<Booking> = {
  "~standard": { version: 1, vendor: "shop", validate: (value) => ({ value: value as Booking }) },
};

const book = defineTransaction({
  name: "book",
  input: booking,
  steps: {
    pay: { service: "wallets", payload: ({ name, amount }) => ({ name, amount }) },
    seat: { service: "flights", payload: ({ name, amount }) => ({ name, amount }) },
  },
});

async function run(settings: ShopSettings): Promise<void> {
  const pool = new Pool({ connectionString: settings.url, max: 16 });
  const store = postgres(pool, { schema: settings.schema });
  const here = { clock: systemClock, random: systemRandom, schedule: nextTurn, limits: quick };
  const { log, lease } = await opened(() => store.openLog({ coordinator: "shop", limits: quick, clock: systemClock }));
  const questions: QuestionTransport = { ask: (_service, question) => orchestrator.answerQuestion(question) };
  const participants = await Promise.all(
    services.map(async (service) => {
      const handler = stockHandler(service, settings.schema);
      const { branches } = await opened(() =>
        store.openBranches({ service, handler, limits: quick, clock: systemClock }),
      );
      const participant = new Participant({ ...here, store: branches, questions });
      participant.start();
      return [service, (message: Uint8Array) => participant.handle(message)] as const;
    }),
  );
  const transport = new MemoryTransport({ ...here, endpoints: Object.fromEntries(participants) });
  const { protocol } = settings;
  const owner = `shop-${systemRandom.name()}`;
  if (lease === undefined) throw new Error("the log cannot be shared");
  const sharing = { ...here, lease, owner, service: "shop" };
  const ownership = new LeasedOwnership(sharing);
  await opened(() => ownership.start());
  const orchestrator = new Orchestrator({
    ...here,
    ownership,
    leadership: new LeasedLeadership(sharing),
    log,
    transport,
    service: "shop",
    owner,
    definitions: [book],
    protocol,
    breaker: { failuresMax: 1_000_000, openMs: 1 },
  });
  await opened(() => orchestrator.start());

  let isOver = false;
  process.stdin.once("end", () => (isOver = true)).resume();
  let keys = 0;
  const client = async (): Promise<void> => {
    while (!isOver) {
      keys += 1;
      const key = `${settings.life}-${keys}`;
      const name = String(1 + (keys % settings.names));
      const { kind } = await orchestrator.run(book, { key, input: { name, amount: 1 + (keys % 3) } });
      writeSync(1, `${JSON.stringify({ key, kind })}\n`);
      if (kind === "store_unavailable") await delay(50);
    }
  };
  await Promise.all(Array.from({ length: settings.inFlight }, client));
  const deadline = performance.now() + settleMaxMs;
  while ((await log.owners(undefined, 1).catch(() => [""])).length > 0 && performance.now() < deadline) await delay(50);
  process.exit(0);
}

/** Tries until the database is back. */
async function opened<T>(open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open();
    } catch {
      await delay(50);
    }
  }
}

const [text] = process.argv.slice(2);
if (text !== undefined && import.meta.main) await run(JSON.parse(text) as ShopSettings);

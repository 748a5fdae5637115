// Kills of a process that books, and of its server, while it books; then what SQL says of it.
import { crashPostgres } from "@assent/local-servers";
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { postgres } from "@assent/postgres";
import type { TestServer } from "./postgres-server.ts";
import { faultsOfBooks, makeShop } from "./shop.ts";
import type { Reported, ShopSettings } from "./shop-process.ts";

export interface CrashPlan {
  readonly protocol: "2pc" | "saga";
  readonly processKills: number;
  readonly serverKills: number;
  /** Processes that share the log, at least until the first is killed. A killed one is not replaced. */
  readonly together?: number;
  /** Outcomes that are reported from one kill to the next. */
  readonly outcomesBetween: number;
}

export interface CrashTrial {
  readonly faults: readonly unknown[];
  /** Reported outcomes, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

const stock = { names: 8, free: 400 };
const inFlight = 12;
const program = fileURLToPath(new URL("./shop-process.ts", import.meta.url));

export async function crashTrial(server: TestServer, plan: CrashPlan): Promise<CrashTrial> {
  const pool = server.pool(2);
  const schema = await server.schema(pool);
  await postgres(pool, { schema }).migrate();
  await makeShop(pool, schema, stock);
  const reported: Reported[] = [];
  const kills = [
    ...Array.from({ length: plan.serverKills }, () => "server"),
    ...Array.from({ length: plan.processKills }, () => "process"),
  ];
  let begun = 0;
  const begin = (): Incarnation => {
    begun += 1;
    const { protocol } = plan;
    const settings = { url: server.url, schema, life: `life${begun}`, protocol, names: stock.names, inFlight };
    return new Incarnation(settings, reported);
  };
  const lives = Array.from({ length: plan.together ?? 1 }, begin);
  for (const victim of kills) {
    await lives[0]?.outcomes(plan.outcomesBetween);
    if (victim === "server") {
      await crashPostgres(server.process);
      await lives[0]?.outcomes(1);
    } else {
      await lives.shift()?.kill();
      if (lives.length === 0) lives.push(begin());
    }
  }
  await lives[0]?.outcomes(plan.outcomesBetween);
  await Promise.all(lives.map((life) => life.finish()));
  const counts: Record<string, number> = {};
  for (const { kind } of reported) counts[kind] = (counts[kind] ?? 0) + 1;
  const { rows } = await pool.query<{ key: string }>(
    `SELECT key FROM ${schema}.assent_rows WHERE outcome = 'committed'`,
  );
  const committed = new Set(rows.map(({ key }) => key));
  const lost = reported.filter(({ key, kind }) => kind === "committed" && !committed.has(key));
  return { counts, faults: [...(await faultsOfBooks(pool, schema, stock.free)), ...lost] };
}

/** One life of the process. */
class Incarnation {
  readonly #child: ChildProcess;
  readonly #reported: Reported[];
  #ended = false;
  #onOutcome: () => void = () => undefined;

  constructor(settings: ShopSettings, reported: Reported[]) {
    this.#reported = reported;
    const child = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      reported.push(JSON.parse(line) as Reported);
      this.#onOutcome();
    });
    child.once("exit", () => {
      this.#ended = true;
      this.#onOutcome();
    });
  }

  /** Resolves when so many more transactions have been reported as committed or aborted. */
  async outcomes(more: number): Promise<void> {
    const decided = (): number => this.#reported.filter(({ kind }) => /committed|aborted/.test(kind)).length;
    const target = decided() + more;
    while (decided() < target) {
      assert.ok(!this.#ended, "the process has ended by itself");
      await new Promise<void>((resolve) => (this.#onOutcome = resolve));
    }
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  /** Takes no more bookings, and waits until all have ended. */
  async finish(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.stdin?.end();
    const [code] = (await exited) as [number | null];
    assert.equal(code, 0, "the process has ended in order");
  }
}

// Every kind of process of the local topology killed under load, one after the other: how long checkouts stood still,
// and whether everything that was told is true afterwards.
import type { Topology } from "@assent/launcher";
import { setTimeout as pause } from "node:timers/promises";
import { closedLoop } from "./closed-loop.ts";
import { KeepAliveClient } from "./keep-alive-client.ts";
import { seedShop, unbalanced, unitsPerOrder, untilQuiet } from "./shop-books.ts";

export interface KillProofOptions {
  readonly topology: Topology;
  /** Names of processes, killed in this order. */
  readonly victims: readonly string[];
  readonly connections: number;
  readonly onKill?: (result: KillResult) => void;
}

export interface KillResult {
  readonly victim: string;
  /** Longest time without a checkout that succeeded, from the kill until the process was back and work went on. */
  readonly stoodStillMs: number;
  /** Until the process answered again. */
  readonly backAfterMs: number;
}

export interface KillProofReport {
  readonly kills: readonly KillResult[];
  readonly checkouts: number;
  /** Empty when nothing is wrong. */
  readonly findings: readonly string[];
}

const ordersPerKill = 3_000;
const steadyCheckouts = 50;
const backMs = 30_000;
const flowMs = 60_000;
const clearMs = 60_000;
const pollMs = 5;

/** Checkouts that go on until told to stop, and what was answered. */
class Load {
  readonly paid = new Set<number>();
  readonly serverErrors: string[] = [];
  stopped = false;
  longestPauseMs = 0;
  #lastAt = performance.now();
  #next = 0;

  get begun(): number {
    return this.#next;
  }

  startAnew(): void {
    this.#lastAt = performance.now();
    this.longestPauseMs = 0;
  }

  async run(url: string, { connections, ordersMax }: { connections: number; ordersMax: number }): Promise<void> {
    const work = async (): Promise<void> => {
      const client = new KeepAliveClient(url);
      while (!this.stopped && this.#next < ordersMax) {
        const order = this.#next;
        this.#next += 1;
        await this.#checkout(client, order);
      }
      client.close();
    };
    await Promise.all(Array.from({ length: connections }, work));
  }

  async #checkout(client: KeepAliveClient, order: number): Promise<void> {
    try {
      const { status, body } = await client.request("POST", `/orders/checkout/${order}`);
      if (status >= 500) this.serverErrors.push(`a checkout answered ${status} ${body}`);
      if (status !== 200) return;
      this.paid.add(order);
      const now = performance.now();
      this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastAt);
      this.#lastAt = now;
    } catch {
      // No answer, because the gateway itself was killed: it is asked again in the end.
      await pause(pollMs);
    }
  }
}

export async function killProof({
  topology,
  victims,
  connections,
  onKill,
}: KillProofOptions): Promise<KillProofReport> {
  const { url } = topology;
  const ordersMax = ordersPerKill * (victims.length + 1);
  await seedShop(url, ordersMax);
  const load = new Load();
  const running = load.run(url, { connections, ordersMax });
  const kills: KillResult[] = [];
  for (const victim of victims) {
    await flows(load);
    const result = await kill(topology, { victim, load });
    kills.push(result);
    onKill?.(result);
  }
  load.stopped = true;
  await running;
  const findings = [...load.serverErrors, ...(await inspect(url, load, connections))];
  if (topology.deaths() < victims.length) findings.push(`only ${topology.deaths()} processes have died`);
  return { kills, checkouts: load.begun, findings };
}

async function kill(
  topology: Topology,
  { victim, load }: { readonly victim: string; readonly load: Load },
): Promise<KillResult> {
  const killedAt = performance.now();
  load.startAnew();
  await topology.processes.get(victim)?.kill();
  await topology.settled(backMs);
  const backAfterMs = performance.now() - killedAt;
  await flows(load);
  return { victim, stoodStillMs: load.longestPauseMs, backAfterMs };
}

/** Until more checkouts succeed, or too long. */
async function flows(load: Load): Promise<void> {
  const from = load.paid.size;
  const deadline = performance.now() + flowMs;
  while (load.paid.size < from + steadyCheckouts) {
    if (performance.now() > deadline) throw new Error(`checkouts do not flow again within ${flowMs} ms`);
    await pause(pollMs);
  }
}

/** Every order that was begun is asked for until the answer is clear; then the books must be exact. */
async function inspect(url: string, load: Load, connections: number): Promise<readonly string[]> {
  const findings: string[] = [];
  const paid = new Set<number>();
  let unclear = Array.from({ length: load.begun }, (_, order) => order);
  const deadline = performance.now() + clearMs;
  while (unclear.length > 0 && performance.now() < deadline) {
    const asked = unclear;
    unclear = [];
    const paths = asked.map((order) => `/orders/checkout/${order}`);
    await closedLoop({
      url,
      connections,
      paths,
      onReply(index, { status }) {
        const order = asked[index] ?? 0;
        if (status === 200) paid.add(order);
        else unclear.push(order);
      },
      onFailure: (index) => unclear.push(asked[index] ?? 0),
    });
  }
  if (unclear.length > 0) findings.push(`${unclear.length} orders cannot be paid after ${clearMs} ms`);
  for (const order of load.paid) if (!paid.has(order)) findings.push(`order ${order} was told paid and is not`);
  const client = new KeepAliveClient(url);
  if (!(await untilQuiet(client, clearMs))) findings.push(`transactions are unfinished after ${clearMs} ms`);
  findings.push(...(await unbalanced(client, unitsPerOrder * paid.size)));
  client.close();
  return findings;
}

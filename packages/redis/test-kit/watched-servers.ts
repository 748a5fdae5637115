// A replica set watched by sentinels, and stores on its current master.
import { freePorts, type ServerProcess, startReplicaSet, startSentinel } from "@assent/local-servers";
import {
  redisConnect,
  RedisExecutor,
  type RedisExecutorOptions,
  sentinelConnections,
  type SentinelConnections,
} from "@assent/redis";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const downAfterMs = 1_000;
const failoverTimeoutMs = 5_000;
/** Sentinels on a machine that has stalled for more than 2 s promote no server for the next 30 s. */
const deadlineMs = 120_000;
const replyMs = 10_000;
const pollMs = 20;

export class WatchedServers {
  readonly servers: readonly ServerProcess[];
  readonly sentinels: readonly ServerProcess[];
  readonly #folder: string;
  readonly #opened: { close(): unknown }[] = [];

  private constructor(folder: string, servers: readonly ServerProcess[], sentinels: readonly ServerProcess[]) {
    this.#folder = folder;
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start({ replicasMin = 1 } = {}): Promise<WatchedServers> {
    const folder = mkdtempSync(join(tmpdir(), "assent-watched-"));
    const ports = await freePorts(3);
    const servers = await startReplicaSet({ folder, ports, replicasMin });
    const masters = [{ name: "db", port: ports[0] ?? 0 }];
    const watch = { masters, quorum: 2, downAfterMs, failoverTimeoutMs };
    const sentinels = await Promise.all(
      [0, 1, 2].map((index) => startSentinel({ folder: join(folder, `sentinel-${index}`), ...watch })),
    );
    const watched = new WatchedServers(folder, servers, sentinels);
    await watched.until(async () => (await watched.replicas(0)) === 2);
    for (const sentinel of sentinels) {
      await watched.until(async () => {
        const [reply] = await ask(sentinel, ["SENTINEL", "MASTER", "db"]);
        const text = JSON.stringify(reply);
        return text.includes('"num-slaves","2"') && text.includes('"num-other-sentinels","2"');
      });
    }
    return watched;
  }

  connections(options: { readonly isBrief?: boolean } = {}): SentinelConnections {
    const connections = sentinelConnections({
      ...options,
      sentinels: this.sentinels.map(({ port }) => `redis://127.0.0.1:${port}`),
      masterName: "db",
      urlOf: ({ host, port }) => `redis://${host}:${port}`,
    });
    this.#opened.push(connections);
    return connections;
  }

  open(options: Omit<RedisExecutorOptions, "prefix">): Promise<RedisExecutor> {
    return RedisExecutor.open({ prefix: "store", ...options });
  }

  /** How many replicas follow a server; none if it does not answer. */
  async replicas(index: number): Promise<number> {
    const [reply] = await ask(this.servers[index], ["ROLE"]).catch(() => []);
    return Array.isArray(reply) && reply[0] === "master" ? (reply[2] as readonly unknown[]).length : 0;
  }

  /** Resolves when one of the replicas considers itself a master. */
  async promoted(): Promise<void> {
    await this.until(async () => {
      const roles = await Promise.all([1, 2].map((index) => ask(this.servers[index], ["ROLE"]).catch(() => [])));
      return roles.some(([role]) => Array.isArray(role) && role[0] === "master");
    });
  }

  /** @throws Error if the condition does not become true in time */
  async until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!(await condition().catch(() => false))) {
      if (performance.now() > deadline) throw new Error("timed out");
      await pause(pollMs);
    }
  }

  /** Also closes what a failed test has left open. */
  async stop(): Promise<void> {
    for (const opened of this.#opened) opened.close();
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function ask(server: ServerProcess | undefined, command: readonly string[]): Promise<readonly unknown[]> {
  const port = await redisConnect({ url: `redis://127.0.0.1:${server?.port ?? 0}`, connectMs: replyMs, replyMs })();
  try {
    return await port.send([command]);
  } finally {
    port.close();
  }
}

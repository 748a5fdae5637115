// A broker of one test file, and processes on it.
import { type NatsOptions, type ServerProcess, startNats } from "@assent/local-servers";
import { type Command, defaultLimits } from "assent/internal/protocol";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { NatsBus, type NatsBusOptions } from "@assent/nats";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export class Broker {
  readonly server: ServerProcess;
  readonly #buses: NatsBus[] = [];

  private constructor(server: ServerProcess) {
    this.server = server;
  }

  static async start(options: Partial<NatsOptions> = {}): Promise<Broker> {
    const folder = mkdtempSync(join(tmpdir(), "assent-nats-"));
    return new Broker(await startNats({ folder, maxPayloadBytes: defaultLimits.messageBytesMax, ...options }));
  }

  get url(): string {
    return `nats://127.0.0.1:${this.server.port}`;
  }

  /** A process on the bus, with this machine's clock and randomness unless specified. */
  async bus(options: Partial<NatsBusOptions> & Pick<NatsBusOptions, "delivery" | "prefix">): Promise<NatsBus> {
    const here = { clock: systemClock, random: systemRandom, schedule: nextTurn };
    const bus = await NatsBus.connect({ servers: [this.url], name: "test", ...here, ...options });
    this.#buses.push(bus);
    return bus;
  }

  /** A plain client without our code. */
  stranger(): Promise<NatsConnection> {
    return connect({ servers: this.url });
  }

  /** Deletes the streams of a system. */
  async forget(prefix: string): Promise<void> {
    const nats = await this.stranger();
    const { streams } = await jetstreamManager(nats);
    const names: string[] = [];
    for await (const name of streams.names(`${prefix}.>`)) names.push(name);
    await Promise.all(names.map((name) => streams.delete(name)));
    await nats.close();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    await this.server.stop();
    rmSync(this.server.folder, { recursive: true, force: true });
  }
}

export function prepare(txId: string, change: Partial<Command> = {}): Command {
  const begunAt = systemClock.now();
  return {
    txId,
    branchId: "stock/0",
    verb: "prepare",
    protocol: "2pc",
    epoch: 1,
    begunAt,
    payload: null,
    origin: "",
    ...change,
  };
}

/** Polls until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, waitMs = 60_000): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not within ${waitMs} ms: ${what}`);
    await delay(10);
  }
}

// The connection in use, and how another takes its place. A connection is used only when it is warm: open, the script
// loaded, and the server's promise known to be the one that was told when the store was opened.
import type { Clock } from "@assent/orchestrator";
import type { Durability } from "@assent/store-keyed";
import type { RedisConnect, RedisPort } from "./redis-port.ts";
import { reconnectPauseMs } from "./redis-limits.ts";
import { probeServer, UnsuitableServer } from "./server-probe.ts";
import type { StoreTime } from "./store-time.ts";

/** No server took the connection for a while. Nothing was changed. `code` is stable. */
export class ServerUnreachable extends Error {
  readonly code = "server_unreachable";

  constructor(waitedMs: number, cause: unknown) {
    super(`no server could be reached within ${waitedMs} ms: ${String(cause)}`, { cause });
    this.name = "ServerUnreachable";
  }
}

export interface ServerConnectionOptions {
  readonly connect: RedisConnect;
  readonly replicas: number;
  /** How long whoever needs a connection waits for it. */
  readonly unreachableMaxMs: number;
  readonly clock: Clock;
  readonly time: StoreTime;
}

export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  #current: RedisPort | undefined;
  #opening: Promise<RedisPort> | undefined;
  #durability: Durability | undefined;
  #lastAttemptAt = -Infinity;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
  }

  /** As it was when the first connection was opened. */
  get durability(): Durability {
    return this.#durability ?? "D0";
  }

  /**
   * The connection in use, or a new one.
   * @param since when the wait for it began, by the monotonic clock; it is tried once, however long ago that was
   * @throws {ServerUnreachable} {UnsuitableServer}
   */
  async port(since: number): Promise<RedisPort> {
    if (this.#current !== undefined) return this.#current;
    this.#opening ??= this.#open(since).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** A connection has ended, or its server is not the right one any more: the next step gets another. */
  retire(port: RedisPort): void {
    port.close();
    if (this.#current === port) this.#current = undefined;
  }

  close(): void {
    if (this.#current !== undefined) this.retire(this.#current);
  }

  async #open(since: number): Promise<RedisPort> {
    const { clock, unreachableMaxMs } = this.#options;
    for (;;) {
      const pauseMs = this.#lastAttemptAt + reconnectPauseMs - clock.monotonic();
      if (pauseMs > 0) await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
      this.#lastAttemptAt = clock.monotonic();
      try {
        this.#current = await this.#warm();
        return this.#current;
      } catch (error) {
        // What is unsuitable when the store is opened stays so; later it may be a failover under way.
        if (this.#durability === undefined && error instanceof UnsuitableServer) throw error;
        if (clock.monotonic() - since >= unreachableMaxMs) throw new ServerUnreachable(unreachableMaxMs, error);
      }
    }
  }

  async #warm(): Promise<RedisPort> {
    const { connect, replicas, time } = this.#options;
    const port = await connect();
    try {
      const sentAt = time.monotonic();
      const { durability, serverMs } = await probeServer(port, { replicas });
      time.observe(serverMs, sentAt);
      this.#durability ??= durability;
      if (durability < this.#durability) {
        throw new UnsuitableServer(`it promises ${durability}, and ${this.#durability} was promised to callers`);
      }
      return port;
    } catch (error) {
      port.close();
      throw error;
    }
  }
}

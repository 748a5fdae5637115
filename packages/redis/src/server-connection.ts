// The connection in use, and its replacement. A connection is used only when it is ready: it is open, the script is
// loaded, and the server has at least the durability of when the store was opened. That is checked again at intervals,
// because a server can be reconfigured while it runs.
import type { Clock, Timer } from "assent/internal/ports";
import type { Durability } from "assent/internal/engine";
import type { RedisConnect, RedisPort } from "./redis-port.ts";
import { probeEveryMs, reconnectPauseMs } from "./redis-limits.ts";
import { probeServer, serverBounds, UnsuitableServer } from "./server-probe.ts";
import type { StoreTime } from "./store-time.ts";

/** No server accepted the connection for a while. Nothing was changed. `code` is stable. */
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
  /** How long callers wait for a connection. */
  readonly unreachableMaxMs: number;
  readonly clock: Clock;
  readonly time: StoreTime;
}

export interface ServerState {
  /** Why the server is not used although it answers; undefined while its durability is sufficient. */
  readonly problem: UnsuitableServer | undefined;
  /**
   * The server's memory limit in bytes, as configured when the connection was opened; beyond it the server refuses
   * writes (`store_full`). 0: no limit.
   */
  readonly memoryBytesMax: number;
}

export class ServerConnection implements ServerState {
  readonly #options: ServerConnectionOptions;
  #current: RedisPort | undefined;
  #opening: Promise<RedisPort> | undefined;
  #durability: Durability | undefined;
  #lastAttemptAt = -Infinity;
  #memoryBytesMax = 0;
  #problem: UnsuitableServer | undefined;
  #probing: Timer | undefined;
  #isClosed = false;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
  }

  get memoryBytesMax(): number {
    return this.#memoryBytesMax;
  }

  get problem(): UnsuitableServer | undefined {
    return this.#problem;
  }

  /** The durability at the first connection; servers with less are not used. */
  get durability(): Durability {
    return this.#durability ?? "D0";
  }

  /**
   * The connection in use, or a new one.
   * @param since when the wait for it began, by the monotonic clock; it is tried once even if that was long ago
   * @throws {ServerUnreachable} {UnsuitableServer}
   */
  async port(since: number): Promise<RedisPort> {
    if (this.#current !== undefined) return this.#current;
    this.#opening ??= this.#open(since).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** A connection has ended, or its server is no longer the right one: the next step gets another. */
  retire(port: RedisPort): void {
    port.close();
    if (this.#current === port) this.#current = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#probing?.cancel();
    if (this.#current !== undefined) this.retire(this.#current);
  }

  async #open(since: number): Promise<RedisPort> {
    const { clock, unreachableMaxMs } = this.#options;
    for (;;) {
      const pauseMs = this.#lastAttemptAt + reconnectPauseMs - clock.monotonic();
      if (pauseMs > 0) await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
      this.#lastAttemptAt = clock.monotonic();
      try {
        const port = await this.#warm();
        if (this.#isClosed) port.close();
        this.#current = port;
        this.#problem = undefined;
        this.#probeLater();
        return port;
      } catch (error) {
        this.#problem = error instanceof UnsuitableServer ? error : undefined;
        // A problem when the store is opened is final; later it may be a failover in progress.
        if (this.#durability === undefined && error instanceof UnsuitableServer) throw error;
        if (this.#isClosed || clock.monotonic() - since >= unreachableMaxMs)
          throw new ServerUnreachable(unreachableMaxMs, error);
      }
    }
  }

  async #warm(): Promise<RedisPort> {
    const { connect, replicas, time } = this.#options;
    const port = await connect();
    try {
      const sentAt = time.monotonic();
      const { durability, memoryBytesMax, serverMs } = await probeServer(port, { replicas });
      time.observe(serverMs, sentAt);
      this.#durability ??= durability;
      this.#memoryBytesMax = memoryBytesMax;
      this.#mustPromise(durability);
      return port;
    } catch (error) {
      port.close();
      throw error;
    }
  }

  #mustPromise(durability: Durability): void {
    if (durability >= this.durability) return;
    throw new UnsuitableServer(`it provides ${durability}, but callers were promised ${this.durability}`);
  }

  #probeLater(): void {
    this.#probing?.cancel();
    if (!this.#isClosed) this.#probing = this.#options.clock.after(probeEveryMs, () => void this.#probe());
  }

  /**
   * One round. After any problem the connection is not used any more, and the next one is checked completely. The next
   * step reconnects to a server that did not answer; the probe itself retries one with weaker settings.
   */
  async #probe(): Promise<void> {
    const { clock, replicas } = this.#options;
    const port = this.#current;
    try {
      if (port === undefined) await this.port(clock.monotonic());
      else this.#mustPromise((await serverBounds(port, { replicas })).durability);
    } catch (error) {
      if (error instanceof UnsuitableServer) this.#problem = error;
      if (port !== undefined) this.retire(port);
    }
    if (this.#current !== undefined || this.#problem !== undefined) this.#probeLater();
  }
}

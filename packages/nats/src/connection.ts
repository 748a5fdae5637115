// The connection of one process to the broker: established within a time limit, then kept for ever.
import type { Clock, Outage, Random } from "assent/internal/ports";
import { defaultLimits, payloadsPerMessage } from "assent/internal/protocol";
import {
  connect,
  type ConnectionOptions,
  type Msg,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import type { NatsLimits } from "./limits.ts";

export interface ConnectionRequest {
  /** Such as "nats://127.0.0.1:4222", also with "user:password@" or "token@" before the host. */
  readonly servers: readonly string[];
  /** Shown by the broker's monitoring. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: NatsLimits;
  /** Never throws. */
  readonly onFailure: (work: string, error: unknown) => void;
}

export interface SubscriptionRequest {
  readonly subject: string;
  /** Shares messages with other subscribers of the same queue. */
  readonly queue?: string;
  /** Its name in error reports. */
  readonly work: string;
  readonly received: (message: Msg) => void;
}

/** The broker could not be connected to. `code` is stable; the message holds no password. Nothing was sent. */
export class NatsUnavailable extends Error {
  readonly code = "nats_unavailable";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NatsUnavailable";
  }
}

export class Connection {
  readonly nats: NatsConnection;
  readonly #request: ConnectionRequest;
  readonly #reconnected = new Set<() => void>();
  #isConnected = true;
  #outage: Outage | undefined;

  private constructor(nats: NatsConnection, request: ConnectionRequest) {
    this.nats = nats;
    this.#request = request;
    void this.#follow();
  }

  /**
   * Connects, trying again for `connectWaitMs`; once connected, reconnects for ever.
   * @throws {NatsUnavailable} if it is unreachable, refuses the log-in, or has a too small message limit
   */
  static async open(request: ConnectionRequest): Promise<Connection> {
    const { clock, random, limits, servers, name } = request;
    const { hosts, ...credentials } = parsed(servers);
    const reconnectWaitMs = (): number =>
      limits.reconnectMinMs + random.uniform() * (limits.reconnectMaxMs - limits.reconnectMinMs);
    const options: ConnectionOptions = {
      ...credentials,
      name,
      servers: hosts,
      timeout: limits.dialMs,
      pingInterval: limits.pingEveryMs,
      maxPingOut: limits.pingsUnansweredMax,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: reconnectWaitMs,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    };
    const until = clock.monotonic() + limits.connectWaitMs;
    for (;;) {
      try {
        const nats = await connect(options);
        const problem = tooSmall(nats, limits);
        if (problem === undefined) return new Connection(nats, request);
        await nats.close();
        throw new NatsUnavailable(problem);
      } catch (cause) {
        if (cause instanceof NatsUnavailable) throw cause;
        if (isRefusal(cause) || clock.monotonic() >= until) throw unreachable(hosts, cause);
        await new Promise<void>((resolve) => void clock.after(reconnectWaitMs(), resolve));
      }
    }
  }

  /** Whether the broker was reachable at the last check. */
  get isConnected(): boolean {
    return this.#isConnected && !this.nats.isClosed();
  }

  /** When this process was last cut off: without a connection, or with a broker whose message limit is too small. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** Host and port; undefined while there is no connection. */
  get server(): string | undefined {
    return this.isConnected ? this.nats.getServer() : undefined;
  }

  /** The largest message that leaves room for headers, bytes. */
  get messageBytesMax(): number {
    const taken = (this.nats.info?.max_payload ?? defaultLimits.messageBytesMax) - this.#request.limits.headerBytesMax;
    return Math.min(defaultLimits.messageBytesMax, taken);
  }

  /**
   * Receives messages on a subject. An error thrown by `received`, such as for unreadable headers, is reported and ends
   * nothing (M3): thrown into the client library, it would end its reading, and this process would receive nothing
   * until its pings have gone unanswered.
   */
  subscribe({ subject, queue, work, received }: SubscriptionRequest): Subscription {
    return this.nats.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (refusal, message) => {
        try {
          if (refusal !== null) throw refusal;
          received(message);
        } catch (error) {
          this.#request.onFailure(work, error);
        }
      },
    });
  }

  /** Calls after every reconnection, until the function it returns is called. */
  onReconnected(callback: () => void): () => void {
    this.#reconnected.add(callback);
    return () => this.#reconnected.delete(callback);
  }

  /**
   * Ends a subscription after everything has been received that the broker had sent for it before: no other subscriber
   * gets those messages soon. Waits for the broker for at most `closeWaitMs`. Never rejects.
   */
  async unsubscribe(subscription: Subscription): Promise<void> {
    if (subscription.isClosed()) return;
    if (this.isConnected) await this.#withinCloseWait(() => subscription.drain());
    if (!subscription.isClosed()) subscription.unsubscribe();
  }

  /** Sends waiting messages, if the broker takes them within `closeWaitMs`, and ends. */
  async close(): Promise<void> {
    if (this.isConnected) await this.#withinCloseWait(() => this.nats.flush());
    await this.nats.close();
  }

  async #withinCloseWait(work: () => Promise<void>): Promise<void> {
    const { clock, limits, onFailure } = this.#request;
    const done = work().catch((error: unknown) => onFailure("flush", error));
    let over: () => void = () => undefined;
    const timer = clock.after(limits.closeWaitMs, () => over());
    await Promise.race([done, new Promise<void>((resolve) => (over = resolve))]);
    timer.cancel();
  }

  /** After a reconnection the broker may be another one, or reconfigured: it must meet the first requirements again. */
  #lookAgain(): void {
    const { clock, limits, onFailure } = this.#request;
    const problem = tooSmall(this.nats, limits);
    if (problem !== undefined) {
      this.#cutOff("broker_unsuitable", problem);
      onFailure("broker", new NatsUnavailable(problem));
    } else if (this.#outage !== undefined) {
      this.#outage = { ...this.#outage, to: clock.monotonic() };
    }
  }

  #cutOff(code: string, reason: string): void {
    const since = this.#outage?.to === undefined ? this.#outage?.from : undefined;
    this.#outage = { code, reason, from: since ?? this.#request.clock.monotonic() };
  }

  async #follow(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === "disconnect" || status.type === "close") {
        this.#isConnected = false;
        this.#cutOff("nats_unavailable", "the broker cannot be reached");
      }
      if (status.type === "error") this.#request.onFailure("broker", status.error);
      if (status.type === "reconnect") {
        this.#isConnected = true;
        this.#lookAgain();
        for (const callback of this.#reconnected) callback();
      }
    }
  }
}

/** Why a broker cannot carry the largest command; undefined if it can. */
function tooSmall(nats: NatsConnection, limits: NatsLimits): string | undefined {
  const bytes = nats.info?.max_payload ?? 0;
  const needed = payloadsPerMessage * defaultLimits.payloadBytesMax + limits.headerBytesMax;
  if (bytes >= needed) return undefined;
  return `the broker takes messages of ${bytes} bytes; set its max_payload to ${needed} or more`;
}

interface Parsed {
  readonly hosts: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** Separates credentials from addresses, so that no printed address contains any. */
function parsed(servers: readonly string[]): Parsed {
  const urls = servers.map((server) => {
    const url = URL.parse(server.includes("://") ? server : `nats://${server}`);
    if (url === null || url.hostname === "") throw new NatsUnavailable("an address of the broker is not host:port");
    return url;
  });
  const hosts = urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`);
  const { username = "", password = "" } = urls.find((url) => url.username !== "") ?? {};
  if (username === "") return { hosts };
  const user = decodeURIComponent(username);
  return password === "" ? { hosts, token: user } : { hosts, user, pass: decodeURIComponent(password) };
}

function unreachable(hosts: readonly string[], cause: unknown): NatsUnavailable {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new NatsUnavailable(`no broker at ${hosts.join(", ")}: ${why}. Start it, or correct the address`, { cause });
}

/** A broker also ends a connection whose client is slow to log in, as on a stalled machine: this is not a refusal. */
function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && cause.name === "AuthorizationError" && !/timeout/i.test(cause.message);
}

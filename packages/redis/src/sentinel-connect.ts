// Connections to the current master. When the master moves, the connections to the old one end, and only those: calls
// in progress are unknown, later ones go to the new master. A move is detected by the sentinels' announcement and by
// regular queries, because an announcement can be missed.
import type { Clock, Timer } from "assent/internal/ports";
import { systemClock } from "assent/node";
import { createClient } from "@redis/client";
import { redisConnect } from "./redis-client-port.ts";
import { reconcileEveryMs, sentinelBriefMs, sentinelConnectMs, sentinelReplyMs } from "./redis-limits.ts";
import type { RedisConnect, RedisPort } from "./redis-port.ts";
import { type ServerAddress, SentinelDirectory } from "./sentinel-directory.ts";

export interface SentinelConnectOptions {
  /** URLs of all sentinels: `redis[s]://[[username][:password]@]host[:port]` */
  readonly sentinels: readonly string[];
  readonly masterName: string;
  /** The URL of a server at an address, with its credentials and database. */
  readonly urlOf: (address: ServerAddress) => string;
  /** Name of the connections. */
  readonly name?: string;
  /**
   * For one task, such as reading a database once: a sentinel may take longer to answer, and its announcements are not
   * listened to. A process that is short of CPU would give up each of its own connections before it was open.
   */
  readonly isBrief?: boolean;
  readonly clock?: Clock;
  /** Called with the master's address whenever it has changed. */
  readonly onMaster?: (address: ServerAddress) => void;
}

/** The connections of one process to one master. */
export interface SentinelConnections {
  readonly connect: RedisConnect;
  close(): void;
}

export function sentinelConnections(options: SentinelConnectOptions): SentinelConnections {
  const watch = new MasterWatch(options);
  return { connect: () => watch.connect(), close: () => watch.close() };
}

class MasterWatch {
  readonly #options: SentinelConnectOptions;
  readonly #clock: Clock;
  readonly #directory: SentinelDirectory;
  readonly #listeners: readonly { close(): void }[];
  readonly #ports = new Map<RedisPort, string>();
  #master = "";
  #timer: Timer | undefined;
  #asking: Promise<ServerAddress> | undefined;
  #isClosed = false;

  constructor(options: SentinelConnectOptions) {
    const { sentinels, masterName, clock = systemClock, isBrief = false } = options;
    this.#options = options;
    this.#clock = clock;
    const usual = { connectMs: sentinelConnectMs, replyMs: sentinelReplyMs };
    const limits = { ...(isBrief ? { connectMs: sentinelBriefMs, replyMs: sentinelBriefMs } : usual), clock };
    this.#directory = new SentinelDirectory({
      sentinels: sentinels.map((url) => redisConnect({ url, ...limits })),
      masterName,
    });
    const listened = isBrief ? [] : sentinels;
    this.#listeners = listened.map((url) => listen(url, masterName, () => void this.#reconcile()));
    this.#schedule();
  }

  async connect(): Promise<RedisPort> {
    const { urlOf, name } = this.#options;
    const address = await this.#ask();
    const url = urlOf(address);
    const port = await redisConnect({ url, clock: this.#clock, ...(name !== undefined && { name }) })();
    await mustBeMaster(port, textOf(address));
    if (this.#isClosed) {
      port.close();
      throw new Error("the connections of this process are closed");
    }
    this.#forgetClosed();
    this.#ports.set(port, textOf(address));
    // It may have moved while the connection was opened.
    this.#endOthers();
    return {
      get isClosed() {
        return port.isClosed;
      },
      send: (commands) => port.send(commands),
      mastership: () => this.#directory.mastership(address),
      close: () => port.close(),
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const listener of this.#listeners) listener.close();
    this.#directory.close();
    for (const port of this.#ports.keys()) port.close();
  }

  /** One query at a time: concurrent callers share its result. */
  #ask(): Promise<ServerAddress> {
    this.#asking ??= this.#inquire().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #inquire(): Promise<ServerAddress> {
    const address = await this.#directory.master();
    const text = textOf(address);
    if (text !== this.#master) {
      this.#master = text;
      this.#options.onMaster?.(address);
      this.#endOthers();
    }
    return address;
  }

  /** If no sentinel answers now, the query is repeated: no connection is ended on a guess. */
  async #reconcile(): Promise<void> {
    await this.#ask().catch(() => undefined);
  }

  #endOthers(): void {
    for (const [port, address] of this.#ports) {
      if (address === this.#master) continue;
      this.#ports.delete(port);
      port.close();
    }
  }

  #forgetClosed(): void {
    for (const port of this.#ports.keys()) if (port.isClosed) this.#ports.delete(port);
  }

  #schedule(): void {
    this.#timer = this.#clock.after(reconcileEveryMs, () => {
      void this.#reconcile().finally(() => {
        if (!this.#isClosed) this.#schedule();
      });
    });
  }
}

/** Sentinels name a new master slightly before it is one: the caller then tries again. */
async function mustBeMaster(port: RedisPort, address: string): Promise<void> {
  const [role] = await port.send([["ROLE"]]);
  if (Array.isArray(role) && role[0] === "master") return;
  port.close();
  throw new Error(`${address} is not a master yet`);
}

/** Listens for a moved master. It only reads, so the library may reconnect on its own. */
function listen(url: string, masterName: string, moved: () => void): { close(): void } {
  const socket = { connectTimeout: sentinelConnectMs, reconnectStrategy: () => reconcileEveryMs };
  const client = createClient({ url, RESP: 2, maintNotifications: "disabled", disableClientInfo: true, socket });
  client.on("error", () => undefined);
  client
    .connect()
    .then(() =>
      client.subscribe("+switch-master", (message) => {
        if (message.startsWith(`${masterName} `)) moved();
      }),
    )
    // Closed before it was open.
    .catch(() => undefined);
  return { close: () => void (client.isOpen && client.destroy()) };
}

const textOf = ({ host, port }: ServerAddress): string => `${host}:${port}`;

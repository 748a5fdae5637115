// The port over @redis/client. All features by which that library would repeat or queue a command are disabled (M2): no
// queue while offline, no reconnection; a connection that ends is replaced from above, where the meaning of a repeat is
// known.
import type { Clock, Timer } from "assent/internal/ports";
import { systemClock } from "assent/node";
import { createClient, ErrorReply } from "@redis/client";
import { connectMaxMs, replyMaxMs } from "./redis-limits.ts";
import {
  type RedisCommand,
  type RedisConnect,
  RedisErrorReply,
  type RedisPort,
  type RedisReply,
} from "./redis-port.ts";
import { RepliesLost } from "./redis-port.ts";

export interface RedisClientPortOptions {
  /** `redis[s]://[[username][:password]@]host[:port][/database]` */
  readonly url: string;
  /** Name of the connection in `CLIENT LIST`. */
  readonly name?: string;
  readonly connectMs?: number;
  /** The library's own command timeout ends when the command is sent; this one covers its reply. */
  readonly replyMs?: number;
  readonly clock?: Clock;
}

/** Opens connections through @redis/client. */
export function redisConnect(options: RedisClientPortOptions): RedisConnect {
  return async () => {
    const client = clientOf(options);
    // Also reported by the rejected calls; without a listener the process would end.
    client.on("error", () => undefined);
    await connected(client, options);
    return new ClientPort(client, options);
  };
}

/** The library's own timeout ends with the socket: a stopped server accepts it and then says nothing. */
async function connected(client: Client, options: RedisClientPortOptions): Promise<void> {
  const { connectMs = connectMaxMs, clock = systemClock } = options;
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = clock.after(connectMs, () => reject(new Error(`the connection handshake timed out after ${connectMs} ms`)));
  });
  try {
    await Promise.race([client.connect(), late]);
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw error;
  } finally {
    timer?.cancel();
  }
}

type Client = ReturnType<typeof clientOf>;

// oxlint-disable-next-line typescript/explicit-function-return-type -- the library's type names its options
function clientOf({ url, name, connectMs = connectMaxMs }: RedisClientPortOptions) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    maintNotifications: "disabled",
    disableClientInfo: true,
    socket: { reconnectStrategy: false, connectTimeout: connectMs },
    ...(name !== undefined && { name }),
  });
}

class ClientPort implements RedisPort {
  readonly #client: Client;
  readonly #replyMs: number;
  readonly #clock: Clock;

  constructor(client: Client, { replyMs = replyMaxMs, clock = systemClock }: RedisClientPortOptions) {
    this.#client = client;
    this.#replyMs = replyMs;
    this.#clock = clock;
  }

  get isClosed(): boolean {
    return !this.#client.isOpen;
  }

  async send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    if (!this.#client.isReady) throw new RepliesLost(false, {});
    const timer = this.#clock.after(this.#replyMs, () => this.close());
    try {
      return await Promise.all(commands.map((command) => this.#reply(command)));
    } catch (cause) {
      // The other replies may never come: this connection is not used any more.
      this.close();
      throw new RepliesLost(true, { cause });
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #reply(command: RedisCommand): Promise<RedisReply> {
    try {
      // The client maps every reply to one of these.
      return (await this.#client.sendCommand(command)) as unknown as RedisReply;
    } catch (error) {
      if (error instanceof ErrorReply) return new RedisErrorReply(error.message);
      throw error;
    }
  }
}

// Where the master of a name is, as its sentinels say. All of them are asked at once, each for so long only; the answer
// of the newest configuration epoch counts, which is how sentinels settle it among themselves.
import type { RedisConnect, RedisPort, RedisReply } from "./redis-port.ts";
import { RedisErrorReply } from "./redis-port.ts";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** No sentinel knows the master. `code` is stable. Nothing was changed. */
export class MasterUnknown extends Error {
  readonly code = "master_unknown";

  constructor(masterName: string, reasons: readonly unknown[]) {
    super(`no sentinel knows the master ${masterName}: ${reasons.map(String).join("; ")}`);
    this.name = "MasterUnknown";
  }
}

export interface SentinelDirectoryOptions {
  /** One for each sentinel; what they open is given up when a sentinel does not answer in time. */
  readonly sentinels: readonly RedisConnect[];
  readonly masterName: string;
}

interface Word {
  readonly address: ServerAddress;
  readonly epoch: number;
}

export class SentinelDirectory {
  readonly #options: SentinelDirectoryOptions;
  readonly #ports = new Map<RedisConnect, RedisPort>();
  #isClosed = false;

  constructor(options: SentinelDirectoryOptions) {
    this.#options = options;
  }

  /** @throws {MasterUnknown} */
  async master(): Promise<ServerAddress> {
    const { sentinels, masterName } = this.#options;
    const answers = await Promise.allSettled(sentinels.map((sentinel) => this.#ask(sentinel)));
    let newest: Word | undefined;
    const reasons: unknown[] = [];
    for (const answer of answers) {
      if (answer.status === "rejected") reasons.push(answer.reason);
      else if (newest === undefined || answer.value.epoch > newest.epoch) newest = answer.value;
    }
    if (newest === undefined) throw new MasterUnknown(masterName, reasons);
    return newest.address;
  }

  close(): void {
    this.#isClosed = true;
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
  }

  async #ask(sentinel: RedisConnect): Promise<Word> {
    const port = this.#ports.get(sentinel) ?? (await this.#open(sentinel));
    try {
      const [reply] = await port.send([["SENTINEL", "MASTER", this.#options.masterName]]);
      return wordOf(reply ?? null);
    } catch (error) {
      // Asked anew the next time, whatever it was.
      port.close();
      if (this.#ports.get(sentinel) === port) this.#ports.delete(sentinel);
      throw error;
    }
  }

  async #open(sentinel: RedisConnect): Promise<RedisPort> {
    const port = await sentinel();
    if (this.#isClosed) port.close();
    else this.#ports.set(sentinel, port);
    return port;
  }
}

/** Names and values in turns: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#sentinel-api */
function wordOf(reply: RedisReply): Word {
  if (reply instanceof RedisErrorReply) throw reply;
  const fields = new Map<string, string>();
  const list: readonly RedisReply[] = Array.isArray(reply) ? reply : [];
  for (let index = 0; index + 1 < list.length; index += 2) fields.set(String(list[index]), String(list[index + 1]));
  const [host, port, epoch] = [fields.get("ip"), Number(fields.get("port")), Number(fields.get("config-epoch"))];
  if (host === undefined || !Number.isInteger(port) || !Number.isInteger(epoch)) {
    throw new TypeError(`a sentinel answered ${JSON.stringify(reply)}`);
  }
  return { address: { host, port }, epoch };
}

// The master of a name according to its sentinels. All of them are asked at once, each with a time limit; the answer
// with the newest configuration epoch counts, which is how sentinels settle it among themselves.
import { itemsOf, type Mastership, type RedisConnect, type RedisPort, type RedisReply } from "./redis-port.ts";
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

/** The view of one sentinel. */
interface Word {
  readonly address: ServerAddress;
  readonly epoch: number;
  /** Whether it considers the server a live master, and promotes no other. */
  readonly isSettled: boolean;
  readonly otherSentinels: number;
}

export class SentinelDirectory {
  readonly #options: SentinelDirectoryOptions;
  /** Open or being opened: concurrent callers share one. */
  readonly #ports = new Map<RedisConnect, Promise<RedisPort>>();
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

  /** Of a server, after all were asked; a sentinel that was not asked makes it unsettled. Rejects if one is silent. */
  async mastership({ host, port }: ServerAddress): Promise<Mastership> {
    const { sentinels } = this.#options;
    const words = await Promise.all(sentinels.map((sentinel) => this.#ask(sentinel)));
    if (words.some(({ address }) => address.host !== host || address.port !== port)) return "moved";
    const isSettled = words.every((word) => word.isSettled && word.otherSentinels < sentinels.length);
    return isSettled ? "settled" : "unsettled";
  }

  close(): void {
    this.#isClosed = true;
    for (const [sentinel, port] of this.#ports) this.#giveUp(sentinel, port);
  }

  async #ask(sentinel: RedisConnect): Promise<Word> {
    const opening = this.#ports.get(sentinel) ?? this.#open(sentinel);
    try {
      const port = await opening;
      const { masterName } = this.#options;
      const [record, address] = await port.send([
        ["SENTINEL", "MASTER", masterName],
        // Names the new one as soon as it is promoted; the record has the old one until all replicas follow.
        ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName],
      ]);
      return wordOf(record ?? null, address ?? null);
    } catch (error) {
      // Opened again the next time.
      this.#giveUp(sentinel, opening);
      throw error;
    }
  }

  #open(sentinel: RedisConnect): Promise<RedisPort> {
    const opening = sentinel().then((port) => {
      if (this.#isClosed) port.close();
      return port;
    });
    this.#ports.set(sentinel, opening);
    return opening;
  }

  #giveUp(sentinel: RedisConnect, opening: Promise<RedisPort>): void {
    if (this.#ports.get(sentinel) === opening) this.#ports.delete(sentinel);
    opening.then(
      (port) => port.close(),
      () => undefined,
    );
  }
}

/** https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#sentinel-api */
function wordOf(record: RedisReply, address: RedisReply): Word {
  for (const reply of [record, address]) if (reply instanceof RedisErrorReply) throw reply;
  const fields = new Map<string, string>();
  const list = itemsOf(record);
  for (let index = 0; index + 1 < list.length; index += 2) fields.set(String(list[index]), String(list[index + 1]));
  const [host, port] = itemsOf(address);
  const word = {
    address: { host: String(host), port: Number(port) },
    epoch: Number(fields.get("config-epoch")),
    isSettled: fields.get("flags") === "master",
    otherSentinels: Number(fields.get("num-other-sentinels")),
  };
  const numbers = [word.address.port, word.epoch, word.otherSentinels];
  if (typeof host === "string" && numbers.every((each) => Number.isInteger(each))) return word;
  throw new TypeError(`a sentinel answered ${JSON.stringify([record, address])}`);
}

// A Redis server for one test file, and independent stores on it.
import { keyedOperations } from "@assent/conformance";
import { type RedisOptions, type ServerProcess, startRedis } from "@assent/local-servers";
import { type RedisConnect, redisConnect, RedisExecutor, type RedisExecutorOptions } from "@assent/redis";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Generous limits for opening a connection and for replies, unless they are tested: a machine may stall. */
const patientMs = 60_000;

export class TestServer {
  readonly process: ServerProcess;
  readonly #folder: string;
  #prefixes = 0;

  private constructor(process: ServerProcess, folder: string) {
    this.process = process;
    this.#folder = folder;
  }

  static async start(options: Omit<RedisOptions, "folder"> = {}): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "assent-redis-"));
    return new TestServer(await startRedis({ ...options, folder }), folder);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.process.port}`;
  }

  /** Opens connections that survive a stall of this machine. */
  get connect(): RedisConnect {
    return redisConnect({ url: this.url, connectMs: patientMs, replyMs: patientMs });
  }

  /** A new name for a store. */
  prefix(): string {
    this.#prefixes += 1;
    return `store-${this.#prefixes}`;
  }

  open(
    options: Omit<RedisExecutorOptions, "connect"> & Partial<Pick<RedisExecutorOptions, "connect">>,
  ): Promise<RedisExecutor> {
    return RedisExecutor.open({ connect: redisConnect({ url: this.url }), ...options });
  }

  /** All ports of one process on the store of that name. */
  openKeyed(prefix: string): Promise<RedisExecutor> {
    return this.open({ prefix, operations: keyedOperations() });
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

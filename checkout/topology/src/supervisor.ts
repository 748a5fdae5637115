// Restarts processes that have died, as an init system or a container engine would.
import type { ServerProcess } from "@assent/local-servers";
import { setTimeout as pause } from "node:timers/promises";
import type { Processes, Topology } from "./topology.ts";

const lookEveryMs = 50;

/** A complete topology, supervised from now on. */
export function supervised(
  processes: Processes,
  gateways: readonly ServerProcess[],
  onProgress: (line: string) => void = () => undefined,
): Topology {
  const supervisor = new Supervisor(processes.all, onProgress);
  const urls = gateways.map(({ port }) => `http://127.0.0.1:${port}`);
  return {
    url: urls[0] ?? "",
    urls,
    processes: processes.all,
    deaths: () => supervisor.deaths,
    hold: (name) => supervisor.hold(name),
    release: (name) => supervisor.release(name),
    settled: (waitMs) => supervisor.settled(waitMs),
    async stop() {
      await supervisor.stop();
      await processes.stop();
    },
  };
}

class Supervisor {
  readonly #processes: ReadonlyMap<string, ServerProcess>;
  readonly #onProgress: (line: string) => void;
  readonly #restarting = new Map<string, Promise<void>>();
  readonly #held = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #deaths = 0;

  constructor(processes: ReadonlyMap<string, ServerProcess>, onProgress: (line: string) => void) {
    this.#processes = processes;
    this.#onProgress = onProgress;
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** Number of processes that have died so far. */
  get deaths(): number {
    this.#look();
    return this.#deaths;
  }

  hold(name: string): void {
    this.#held.add(name);
  }

  release(name: string): void {
    this.#held.delete(name);
  }

  /** Resolves when every process that is not held answers. @throws Error when that takes longer */
  async settled(waitMs: number): Promise<void> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      this.#look();
      if (this.#restarting.size === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`${[...this.#restarting.keys()].join(", ")}: not back after ${waitMs} ms`);
      }
      await pause(lookEveryMs);
    }
  }

  /** Stops restarting, and waits for restarts in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#restarting.values());
  }

  #look(): void {
    for (const [name, running] of this.#processes) {
      if (!running.hasEnded || this.#restarting.has(name) || this.#held.has(name)) continue;
      this.#deaths += 1;
      this.#onProgress(`${name} has died; restarting it`);
      const restarted = this.#restart(name, running).finally(() => this.#restarting.delete(name));
      this.#restarting.set(name, restarted);
    }
  }

  /** A process that does not start is retried at the next check. */
  async #restart(name: string, running: ServerProcess): Promise<void> {
    try {
      await running.restart();
      this.#onProgress(`${name} answers again, process ${running.pid}`);
    } catch (error) {
      this.#onProgress(`${name} does not start: ${String(error)}`);
      await pause(lookEveryMs);
    }
  }
}

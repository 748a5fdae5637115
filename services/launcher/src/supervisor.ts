// Starts processes again that have died, as an init system or a container engine would.
import type { ServerProcess } from "@assent/local-servers";
import { setTimeout as pause } from "node:timers/promises";

const lookEveryMs = 50;

export class Supervisor {
  readonly #processes: ReadonlyMap<string, ServerProcess>;
  readonly #onProgress: (line: string) => void;
  readonly #restarting = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #deaths = 0;

  constructor(processes: ReadonlyMap<string, ServerProcess>, onProgress: (line: string) => void) {
    this.#processes = processes;
    this.#onProgress = onProgress;
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** How many have died so far. */
  get deaths(): number {
    this.#look();
    return this.#deaths;
  }

  /** Resolves when every process answers. @throws Error when that takes longer */
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

  /** Starts nothing any more, and waits for what is being started. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#restarting.values());
  }

  #look(): void {
    for (const [name, running] of this.#processes) {
      if (!running.hasEnded || this.#restarting.has(name)) continue;
      this.#deaths += 1;
      this.#onProgress(`${name} has died; starting it again`);
      const restarted = this.#restart(name, running).finally(() => this.#restarting.delete(name));
      this.#restarting.set(name, restarted);
    }
  }

  /** One that does not come up is tried again at the next look. */
  async #restart(name: string, running: ServerProcess): Promise<void> {
    try {
      await running.restart();
      this.#onProgress(`${name} answers again, process ${running.pid}`);
    } catch (error) {
      this.#onProgress(`${name} does not come up: ${String(error)}`);
      await pause(lookEveryMs);
    }
  }
}

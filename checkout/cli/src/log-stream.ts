// Prints the log lines of a topology's processes from now on, each with the name of its process.

interface Logging {
  log(): string;
}

const lookEveryMs = 300;

export class LogStream {
  readonly #processes: ReadonlyMap<string, Logging>;
  readonly #show: (line: string) => void;
  readonly #shown = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(processes: ReadonlyMap<string, Logging>, show: (line: string) => void) {
    this.#processes = processes;
    this.#show = show;
    for (const [name, { log }] of this.#read()) this.#shown.set(name, log.length);
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** Prints the remaining lines and stops. */
  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #read(): readonly (readonly [string, { readonly log: string }])[] {
    return [...this.#processes].map(([name, running]) => [name, { log: running.log() }]);
  }

  #look(): void {
    for (const [name, { log }] of this.#read()) {
      const from = this.#shown.get(name) ?? 0;
      const end = log.lastIndexOf("\n") + 1;
      if (end <= from) continue;
      for (const line of log.slice(from, end).trimEnd().split("\n")) this.#show(`${name.padEnd(14)} | ${line}`);
      this.#shown.set(name, end);
    }
  }
}

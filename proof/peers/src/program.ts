// A program in a process of its own, with what it printed.
import { spawn, type ChildProcess } from "node:child_process";

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Program {
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #printed = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (bytes) => (this.#printed += String(bytes)));
    this.ended = new Promise((resolve) => child.once("close", resolve));
  }

  static start({ command, args, folder, environment = {} }: ProgramOptions): Program {
    const env = { ...process.env, ...environment };
    return new Program(spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  get printed(): string {
    return this.#printed;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Ends, and must end well. */
  async done(): Promise<string> {
    const code = await this.ended;
    if (code !== 0) throw new Error(`${this.#child.spawnargs.join(" ")} ended with ${code}: ${this.#printed}`);
    return this.#printed;
  }
}

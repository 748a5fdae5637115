// A foreign server as a child of this process: it never outlives it, however either of them ends, and only processes
// started here are ever signalled.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makePrivateFolder } from "./private-folder.ts";

const startDeadlineMs = 120_000;
const stopDeadlineMs = 30_000;
const lookEveryMs = 10;
const pauseDeadlineMs = 1_000;
const never = new Int32Array(new SharedArrayBuffer(4));
/** Characters of the log that an error shows. */
const shownLogLength = 2_000;

export interface ServerCommand {
  /** Names the log, `<name>.log` in the folder. */
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  /** Its working and data folder; created if missing. */
  readonly folder: string;
  readonly port: number;
  /** The password that clients need, if any; never printed. */
  readonly password?: string;
  /** Added to the environment of this process; undefined removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Runs as this user. Default: the user of this process. */
  readonly user?: ServerUser;
  /** Signal for a clean shutdown. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Whether the server with this process id answers now. Never rejects. */
  readonly answers: (pid: number) => Promise<boolean>;
}

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** A server did not start. `code` is stable. Its process has ended; its folder and log are kept. */
export class ServerNotStarted extends Error {
  readonly code = "server_not_started";
  /** Its port was taken by another process. */
  readonly isPortTaken: boolean;

  constructor(message: string, log: string) {
    super(`${message}. Its log ends with:\n${log.slice(-shownLogLength)}`);
    this.name = "ServerNotStarted";
    this.isPortTaken = /address already in use|cannot bind socket/i.test(log);
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly pid: number;
}

export class ServerProcess {
  readonly #command: ServerCommand;
  #running: Running | undefined;

  private constructor(command: ServerCommand) {
    this.#command = command;
  }

  /**
   * Starts a server and resolves when it answers.
   * @throws {ServerNotStarted} if it ends before that, or does not answer within 2 minutes and is killed
   */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command);
    await server.#launch();
    return server;
  }

  get port(): number {
    return this.#command.port;
  }

  /** The password that clients need; undefined when none is required. */
  get password(): string | undefined {
    return this.#command.password;
  }

  get folder(): string {
    return this.#command.folder;
  }

  /** Of the current process, or the last one. */
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  get hasEnded(): boolean {
    const child = this.#running?.child;
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  /** Everything that it printed so far, over all restarts. */
  log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  /** Its stop signal, and SIGKILL when it has not ended 30 s later. */
  stop(): Promise<void> {
    return this.#end(this.#command.stopSignal ?? "SIGTERM");
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGSTOP: it keeps its connections and answers nothing. If this is observable, it has stopped when this returns. */
  pause(): void {
    this.#signal("SIGSTOP");
    const deadline = performance.now() + pauseDeadlineMs;
    while (!this.hasEnded && isRunning(this.pid) && performance.now() < deadline) Atomics.wait(never, 0, 0, 1);
  }

  /** SIGCONT: it continues where it was paused. */
  resume(): void {
    this.#signal("SIGCONT");
  }

  /**
   * Stops it if it runs, and starts it again on the same port and folder.
   * @throws {ServerNotStarted} if it does not start again
   */
  async restart(): Promise<void> {
    await this.stop();
    await this.#launch();
  }

  get #logFile(): string {
    return join(this.#command.folder, `${this.#command.name}.log`);
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded) this.#running?.child.kill(signal);
  }

  async #launch(): Promise<void> {
    const { name, binary, args, folder, answers, environment, user } = this.#command;
    makePrivateFolder(folder);
    const log = openSync(this.#logFile, "a", 0o600);
    const printedBefore = this.log().length;
    const child = spawn(binary, args, {
      cwd: folder,
      // Ctrl-C in a terminal reaches the whole process group at once, but we decide the order in which they end.
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, ...environment },
      ...user,
    });
    closeSync(log);
    const failed: unknown[] = [];
    const exited = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", (error) => {
        failed.push(error);
        if (child.pid === undefined) resolve();
      });
    });
    const printed = (): string => this.log().slice(printedBefore);
    if (child.pid === undefined) {
      await exited;
      throw new ServerNotStarted(`${binary} cannot be run: ${String(failed[0])}`, printed());
    }
    this.#running = { child, exited, pid: child.pid };
    watch(child, child.pid);
    // A process that ends without stopping it, such as a failed test, does not wait for it.
    child.unref();
    const deadline = performance.now() + startDeadlineMs;
    while (!(await answers(child.pid))) {
      if (this.hasEnded) throw new ServerNotStarted(`${name} ended before it answered`, printed());
      if (performance.now() > deadline) {
        await this.kill();
        throw new ServerNotStarted(`${name} did not answer within ${startDeadlineMs} ms`, printed());
      }
      await delay(lookEveryMs);
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (running === undefined || this.hasEnded) return;
    running.child.ref();
    running.child.kill(signal);
    // A paused process reacts only to SIGKILL.
    if (signal !== "SIGKILL") running.child.kill("SIGCONT");
    const timer = setTimeout(() => running.child.kill("SIGKILL"), stopDeadlineMs);
    await running.exited;
    clearTimeout(timer);
  }
}

/** Whether a thread of the process is not stopped; false if the system does not show it in files. */
function isRunning(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return false;
  try {
    // The state follows the name of the command, which may contain any character.
    const states = readdirSync(threads).map((thread) => readFileSync(join(threads, thread, "stat"), "utf8"));
    return states.some((state) => !/\) [tTZX] [^)]*$/.test(state));
  } catch {
    // A thread ended during the check, so something is running.
    return true;
  }
}

/**
 * Kills the child if this process ends without it, even by SIGKILL: a shell that waits for the end of its input,
 * which this process holds open. It has its own session, so that a signal to our group does not end it first.
 */
function watch(child: ChildProcess, pid: number): void {
  const script = 'read -r pid && { read -r ended || kill -KILL "$pid"; }';
  const watchdog = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true, env: {} });
  // Without a watchdog the child was started plainly, and ends when it is stopped.
  watchdog.once("error", () => undefined);
  watchdog.stdin.once("error", () => undefined);
  watchdog.stdin.write(`${pid}\n`);
  child.once("exit", () => watchdog.stdin.end("ended\n"));
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
}

// `assent serve` or `assent up` as a separate process, in its own folder, killed for real.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ownTree = fileURLToPath(new URL("../../..", import.meta.url));
/** Paths of the command, here and in versions before ADR 0027. */
const commandPaths = ["checkout/cli/bin/assent.mjs", "apps/cli/bin/assent.mjs"];
const startDeadlineMs = 120_000;
const stopDeadlineMs = 30_000;

export interface ServeOptions {
  readonly dataFolder: string;
  readonly protocol?: "auto" | "2pc" | "saga";
  /** 0, or default: a free port. */
  readonly port?: number;
  /** Allows fault injection over HTTP. */
  readonly faults?: boolean;
  /** Default: embedded, one process. Other topologies run their services and servers as its children. */
  readonly topology?: "embedded" | "local" | "sentinel";
  /** A checkout of another version of this repository, ready to run, instead of this one. */
  readonly tree?: string;
}

export interface ServedCheckout {
  readonly url: string;
  readonly pid: number;
  /** Whether the process has ended, however. */
  hasEnded(): boolean;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  /** Everything that it printed so far. */
  output(): string;
}

/** Starts the system and resolves when it accepts requests. @throws Error with its output if it ends before that */
export async function serveCheckout({
  dataFolder,
  protocol = "auto",
  port = 0,
  faults = false,
  topology = "embedded",
  tree = ownTree,
}: ServeOptions): Promise<ServedCheckout> {
  const environment = { ...process.env, npm_lifecycle_event: undefined, ...(faults && { ASSENT_FAULTS: "on" }) };
  const command = topology === "embedded" ? ["serve"] : ["up", "--topology", topology, "--quiet"];
  const child = spawn(
    process.execPath,
    [commandIn(tree), ...command, "--data", dataFolder, "--port", String(port), "--protocol", protocol],
    { env: environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  // A process that ends without stopping it, such as a failed test, ends it and does not wait for it.
  const endWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithParent);
  child.once("exit", () => process.off("exit", endWithParent));
  let printed = "";
  child.stdout.on("data", (chunk: unknown) => (printed += String(chunk)));
  child.stderr.on("data", (chunk: unknown) => (printed += String(chunk)));
  const exited = once(child, "exit");
  const url = await Promise.race([urlPrintedBy(child, () => printed), failedStart(exited, () => printed)]);
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    child.ref();
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
    await exited;
    clearTimeout(timer);
    return child.exitCode;
  };
  return {
    url,
    pid: child.pid ?? 0,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    output: () => printed,
  };
}

function commandIn(tree: string): string {
  const found = commandPaths.map((path) => join(tree, path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${tree} has no command of this system: ${commandPaths.join(", ")}`);
  return found;
}

/** Creates a temporary folder; returns it and a function that removes it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "assent-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function urlPrintedBy(child: ChildProcess, printed: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`assent serve was not ready after ${startDeadlineMs} ms. It printed:\n${printed()}`));
    }, startDeadlineMs);
    const look = (): void => {
      const url = /served on (http:\S+:\d+)/.exec(printed())?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      child.stdout?.off("data", look);
      resolve(url);
    };
    child.stdout?.on("data", look);
    child.once("exit", () => clearTimeout(timer));
  });
}

async function failedStart(exited: Promise<unknown>, printed: () => string): Promise<never> {
  await exited;
  throw new Error(`assent serve ended before it was ready. It printed:\n${printed()}`);
}

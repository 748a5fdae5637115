// `assent up` as a separate process, started as by a shell.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const command = join(import.meta.dirname, "../../checkout/cli/bin/assent.mjs");

export interface Started {
  readonly child: ChildProcess;
  readonly printed: () => string;
}

export function up(
  args: readonly string[],
  { env = {}, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Started {
  const environment = { ...process.env, npm_lifecycle_event: undefined };
  const child = spawn(process.execPath, [command, "up", ...args], {
    env: { ...environment, ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
    // The leader of its own process group, as in a shell: Ctrl-C goes to the whole group.
    detached: true,
  });
  let printed = "";
  child.stdout?.on("data", (chunk: unknown) => (printed += String(chunk)));
  child.stderr?.on("data", (chunk: unknown) => (printed += String(chunk)));
  return { child, printed: () => printed };
}

export async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + 180_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `timed out:  ${what()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** Resolves with its address when it serves. @throws AssertionError with its output if it ends before that */
export async function urlOf({ child, printed }: Started): Promise<string> {
  await until(() => printed().includes("are served on") || child.exitCode !== null, printed);
  const url = /are served on (http:\/\/[^\s,]+?)\.? /.exec(printed())?.[1];
  assert.ok(url !== undefined, printed());
  return url;
}

/** Ctrl-C. */
export async function interrupt({ child, printed }: Started): Promise<void> {
  process.kill(-(child.pid ?? 0), "SIGINT");
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 0, printed());
}

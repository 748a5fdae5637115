// Shutdown on request: once, cleanly, and also when the npm that started this process has died.
import { shownError } from "./redaction.ts";

/** A repeated signal within this time is the same one, delivered twice by npm and the terminal. */
const sameSignalMs = 1_000;
const parentCheckMs = 1_000;

/**
 * Calls `close` at the first SIGINT or SIGTERM, or when the parent process is gone, and exits when it has finished. A
 * second signal, a second or more later, exits at once: every answer already sent is durable.
 */
export function closeOnSignal(close: () => Promise<void>): void {
  let firstAt: number | undefined;
  const end = (why: string): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      console.log(`assent: ${why}: finishing requests in progress …`);
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error("assent: could not close cleanly:", shownError(error));
          process.exit(1);
        },
      );
    } else if (now - firstAt >= sameSignalMs) {
      console.log(`assent: ${why} again: exiting now`);
      process.exit(1);
    }
  };
  process.on("SIGINT", () => end("interrupted"));
  process.on("SIGTERM", () => end("asked to stop"));
  if (process.env["npm_lifecycle_event"] !== undefined) watchParent(() => end("npm has exited"));
}

/** If its npm is killed, this process would otherwise keep port and folder for ever. */
function watchParent(onGone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, parentCheckMs);
  timer.unref();
}

// Starts a server on a requested port, or on a free one, which another process may take in between.
import { freePort } from "./free-port.ts";
import { ServerNotStarted, type ServerProcess } from "./server-process.ts";

const triesMax = 5;

/**
 * Starts on `port`. Without one, starts on a free port, and on another one if that was taken meanwhile.
 * @param choose picks a free port
 */
export async function startOnPort(
  port: number | undefined,
  start: (port: number) => Promise<ServerProcess>,
  choose: () => Promise<number> = freePort,
): Promise<ServerProcess> {
  if (port !== undefined) return start(port);
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await choose());
    } catch (error) {
      const isWorthAnother = error instanceof ServerNotStarted && error.isPortTaken && tries < triesMax;
      if (!isWorthAnother) throw error;
    }
  }
}

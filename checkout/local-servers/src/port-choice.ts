// Starting a server on a port that was asked for, or on a free one; somebody may take that one in between.
import { freePort } from "./free-port.ts";
import { ServerNotStarted, type ServerProcess } from "./server-process.ts";

const triesMax = 5;

/**
 * Starts on `port`; without one, on a free one, and on another one when that was taken meanwhile.
 * @param choose picks a free one
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

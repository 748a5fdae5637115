// A free port. Below the ranges that systems use for outgoing connections (from 32768 on Linux, 49152 elsewhere), so
// that no connection takes it while its server restarts.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const firstPort = 20_000;
const lastPort = 32_000;
const drawsMax = 200;

/** The address of all servers of this package: not reachable from outside this machine. */
export const loopback = "127.0.0.1";

/**
 * A port of the loopback address that was free a moment ago. The first process to listen on it gets it.
 * @throws {Error} when none of 200 drawn ports is free
 */
export async function freePort(): Promise<number> {
  for (let draw = 0; draw < drawsMax; draw += 1) {
    const port = randomInt(firstPort, lastPort);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`none of ${drawsMax} ports between ${firstPort} and ${lastPort} is free; stop other servers`);
}

/** This many free ports, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Whether no process listens on a port of the loopback address now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}

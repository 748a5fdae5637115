// A port that nobody listens on. Below the ranges that systems give to outgoing connections (from 32768 on Linux, 49152
// elsewhere), so that nobody takes it while a server of it is down and about to come back.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const firstPort = 20_000;
const lastPort = 32_000;
const drawsMax = 200;

/** Where all servers of this package listen: nothing outside this machine reaches them. */
export const loopback = "127.0.0.1";

/**
 * A port of the loopback address that could be listened on a moment ago. Whoever listens on it next has it.
 * @throws {Error} when none of 200 drawn ports is free
 */
export async function freePort(): Promise<number> {
  for (let draw = 0; draw < drawsMax; draw += 1) {
    const port = randomInt(firstPort, lastPort);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`none of ${drawsMax} ports between ${firstPort} and ${lastPort} is free; end what listens on them`);
}

/** As many free ports as are asked for, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Whether nobody listens on a port of the loopback address now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}

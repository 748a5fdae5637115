// A process that starts servers in its folder, prints their ports when they answer, and then waits to be killed.
import { startNats, startRedis } from "@assent/local-servers";
import { writeSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
if (folder !== undefined && import.meta.main) {
  const redis = await startRedis({ folder: join(folder, "redis") });
  const nats = await startNats({ folder: join(folder, "nats") });
  writeSync(1, `${JSON.stringify([redis.port, nats.port])}\n`);
  setInterval(() => undefined, 60_000);
}

// The local topology: NATS, a database for each service, instances of each service and a gateway, all as processes on
// this machine. They are started in order, restarted when they die, and stopped without leaving anything behind.
import { type ServerProcess, startNats, startRedis } from "@assent/local-servers";
import { join } from "node:path";
import { memoryBytesMax } from "./database-bounds.ts";
import { firstDatabase } from "./first-database.ts";
import { startGateway } from "./gateway.ts";
import { keptSecret } from "./kept-secret.ts";
import { startInstances } from "./service-instances.ts";
import { supervised } from "./supervisor.ts";
import { systemName } from "./system-name.ts";
import { Processes, type ServiceName, type Topology, type TopologyOptions } from "./topology.ts";

/** @throws {ServerUnavailable} {ServerNotStarted}; everything started before is stopped */
export async function startLocalTopology(options: TopologyOptions): Promise<Topology> {
  const { folder, port } = options;
  const password = keptSecret(folder);
  const processes = new Processes(options.onProgress);
  try {
    const [nats, databases] = await Promise.all([
      processes.add("nats", startNats({ folder: join(folder, "nats"), password })),
      startDatabases({ folder, password }, processes),
    ]);
    const surroundings = (service: ServiceName) => ({
      NATS_URL: `nats://${password}@127.0.0.1:${nats.port}`,
      REDIS_PORT: String(databases[service].port),
      REDIS_PASSWORD: password,
    });
    await options.beforeServices?.(surroundings);
    const { order, stock, payment } = await startInstances({ options, processes, surroundings });
    const portsOf = (instances: readonly { port: number }[]): number[] => instances.map((instance) => instance.port);
    const gateway = startGateway({
      folder: join(folder, "gateway"),
      system: systemName(folder),
      targets: { order: portsOf(order), stock: portsOf(stock), payment: portsOf(payment) },
      ...(port !== undefined && { port }),
    });
    return supervised(processes, [await processes.add("gateway", gateway)], options.onProgress);
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

type Databases = Readonly<Record<ServiceName, ServerProcess>>;

async function startDatabases(
  { folder, password }: { readonly folder: string; readonly password: string },
  processes: Processes,
): Promise<Databases> {
  const start = (service: ServiceName): Promise<ServerProcess> => {
    const place = join(folder, firstDatabase.local(service));
    const started = startRedis({ folder: place, appendfsync: "always", password, memoryBytesMax });
    return processes.add(`redis-${service}`, started);
  };
  const [order, stock, payment] = await Promise.all([start("order"), start("stock"), start("payment")]);
  return { order, stock, payment };
}

// The local topology: NATS, a database for each service, instances of each service and a gateway, all of them processes
// of this machine, started in order, started again when they die, and stopped without leaving anything behind.
import { freePort, ServerProcess, startNats, startRedis } from "@assent/local-servers";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startGateway } from "./gateway.ts";
import { Supervisor } from "./supervisor.ts";

export type ServiceName = "order" | "stock" | "payment";
export const serviceNames: readonly ServiceName[] = ["order", "stock", "payment"];

export interface LocalTopologyOptions {
  /** Holds a folder for each process, with its data and its log. */
  readonly folder: string;
  /** Instances of each service; two when left out. */
  readonly instances?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Of the gateway, on loopback; left out: a free one. */
  readonly port?: number;
  readonly protocol?: "auto" | "2pc" | "saga";
  readonly delivery?: "jetstream" | "core";
  /** Takes faults over HTTP. */
  readonly faults?: boolean;
  /** How long an instance that is told to stop is drained. */
  readonly drainMs?: number;
  /** Told what is being started, and what died. */
  readonly onProgress?: (line: string) => void;
}

export interface LocalTopology {
  readonly url: string;
  /** By name: "order-0", "nats", "redis-stock", "gateway". */
  readonly processes: ReadonlyMap<string, ServerProcess>;
  /** How many processes have died so far without being told to. */
  deaths(): number;
  /** Resolves when every process answers again. @throws Error when that takes longer than `waitMs` */
  settled(waitMs: number): Promise<void>;
  stop(): Promise<void>;
}

const instancesOfEach = 2;
const command = fileURLToPath(new URL("../../../apps/cli/bin/assent.mjs", import.meta.url));
const healthWaitMs = 1_000;

/** @throws {ServerUnavailable} {ServerNotStarted}; whatever had been started is stopped then */
export async function startLocalTopology(options: LocalTopologyOptions): Promise<LocalTopology> {
  const { folder, onProgress = () => undefined } = options;
  const processes = new Map<string, ServerProcess>();
  const add = async (name: string, starting: Promise<ServerProcess>): Promise<ServerProcess> => {
    const started = await starting;
    processes.set(name, started);
    onProgress(`${name} answers on port ${started.port}, process ${started.pid}`);
    return started;
  };
  try {
    const [nats, databases] = await Promise.all([
      add("nats", startNats({ folder: join(folder, "nats") })),
      startDatabases(folder, add),
    ]);
    const ports = await startServices({ options, nats, databases, add });
    const gateway = startGateway({
      folder: join(folder, "gateway"),
      targets: ports,
      ...(options.port !== undefined && { port: options.port }),
    });
    const { port } = await add("gateway", gateway);
    const supervisor = new Supervisor(processes, onProgress);
    return {
      url: `http://127.0.0.1:${port}`,
      processes,
      deaths: () => supervisor.deaths,
      settled: (waitMs) => supervisor.settled(waitMs),
      async stop() {
        await supervisor.stop();
        await stopAll(processes);
      },
    };
  } catch (error) {
    await stopAll(processes);
    throw error;
  }
}

type Add = (name: string, starting: Promise<ServerProcess>) => Promise<ServerProcess>;
type Databases = Readonly<Record<ServiceName, ServerProcess>>;

async function startDatabases(folder: string, add: Add): Promise<Databases> {
  const start = (service: ServiceName): Promise<ServerProcess> => {
    const name = `redis-${service}`;
    return add(name, startRedis({ folder: join(folder, name), appendfsync: "always" }));
  };
  const [order, stock, payment] = await Promise.all([start("order"), start("stock"), start("payment")]);
  return { order, stock, payment };
}

interface ServicesRequest {
  readonly options: LocalTopologyOptions;
  readonly nats: ServerProcess;
  readonly databases: Databases;
  readonly add: Add;
}

/** Starts all instances side by side, and answers their ports. */
async function startServices(request: ServicesRequest): Promise<Record<ServiceName, number[]>> {
  const ports: Record<ServiceName, number[]> = { order: [], stock: [], payment: [] };
  const starting = serviceNames.flatMap((service) =>
    Array.from({ length: request.options.instances?.[service] ?? instancesOfEach }, async (_, index) => {
      const name = `${service}-${index}`;
      const port = await freePort();
      ports[service][index] = port;
      await request.add(name, startInstance({ ...request, service, name, port }));
    }),
  );
  await Promise.all(starting);
  return ports;
}

interface Instance extends ServicesRequest {
  readonly service: ServiceName;
  readonly name: string;
  readonly port: number;
}

function startInstance({ options, nats, databases, service, name, port }: Instance): Promise<ServerProcess> {
  const { folder, protocol = "auto", delivery = "jetstream", faults = false, drainMs = 0 } = options;
  return ServerProcess.start({
    name,
    binary: process.execPath,
    args: [command, service],
    folder: join(folder, name),
    port,
    environment: {
      npm_lifecycle_event: undefined,
      HOST: "127.0.0.1",
      PORT: String(port),
      INSTANCE_ID: name,
      NATS_URL: `nats://127.0.0.1:${nats.port}`,
      REDIS_URL: `redis://127.0.0.1:${databases[service].port}`,
      ASSENT_DELIVERY: delivery,
      ORCHESTRATOR_PROTOCOL: protocol,
      ASSENT_FAULTS: faults ? "on" : "off",
      ASSENT_DRAIN_MS: String(drainMs),
    },
    answers: () => isHealthy(port),
  });
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(healthWaitMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet, or not any more.
    return false;
  }
}

/** The gateway first, then the services, then what they need. */
async function stopAll(processes: ReadonlyMap<string, ServerProcess>): Promise<void> {
  const isServer = (name: string): boolean => name === "nats" || name.startsWith("redis-");
  const stop = async (chosen: (name: string) => boolean): Promise<void> => {
    const found = [...processes].filter(([name]) => chosen(name));
    await Promise.all(found.map(([, running]) => running.stop()));
  };
  await stop((name) => name === "gateway");
  await stop((name) => name !== "gateway" && !isServer(name));
  await stop(isServer);
}

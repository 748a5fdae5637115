// The topology without a single process whose death stops checkouts: for each service a master and two replicas, three
// sentinels over all of them, three brokers in a cluster, instances of each service, and two gateways.
import {
  makePrivateFolder,
  type ServerProcess,
  startNats,
  startReplicaSet,
  startSentinel,
} from "@assent/local-servers";
import { join } from "node:path";
import { memoryBytesMax } from "./database-bounds.ts";
import { startGateway } from "./gateway.ts";
import { keptPorts } from "./kept-ports.ts";
import { keptSecret } from "./kept-secret.ts";
import { directLink, type Link } from "./link.ts";
import { sentinelsKnowAll } from "./sentinel-view.ts";
import { type InstancePort, startInstances } from "./service-instances.ts";
import { supervised } from "./supervisor.ts";
import { systemName } from "./system-name.ts";
import { Processes, type ServiceName, serviceNames, type Topology, type TopologyOptions } from "./topology.ts";

export interface SentinelTopologyOptions extends TopologyOptions {
  /** The required durability of the databases; default: D2. */
  readonly durability?: "D1" | "D2";
  readonly link?: Link;
}

export const nodesOfEach = 3;
const gateways = 2;
/** How long a master may be silent before it is replaced. */
const downAfterMs = 1_500;
const failoverTimeoutMs = 3_000;
/** Sentinels that must agree on that. */
const quorum = 2;

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const namesOf = (kind: string, count: number): readonly string[] => numbers(count).map((index) => `${kind}-${index}`);
export const databaseNames = (service: ServiceName): readonly string[] => namesOf(`redis-${service}`, nodesOfEach);
export const sentinelNames = namesOf("sentinel", nodesOfEach);
const brokerNames = namesOf("nats", nodesOfEach);
const routeNames = namesOf("nats-route", nodesOfEach);

/** @throws {ServerUnavailable} {ServerNotStarted}; everything started before is stopped */
export async function startSentinelTopology(options: SentinelTopologyOptions): Promise<Topology> {
  const { folder, link = directLink, onProgress } = options;
  const databases = serviceNames.flatMap(databaseNames);
  makePrivateFolder(folder);
  const password = keptSecret(folder);
  const ports = await keptPorts(folder, [...databases, ...sentinelNames, ...brokerNames, ...routeNames]);
  const processes = new Processes(onProgress);
  const plan: Plan = { options, password, processes, link, port: (name) => ports.get(name) ?? 0 };
  try {
    await Promise.all([startBrokers(plan), ...serviceNames.map((service) => startDatabases(plan, service))]);
    await startSentinels(plan);
    const settings = await surroundings(plan);
    await options.beforeServices?.((service) => settings(`${service}-0`));
    const instances = await startInstances({ options, processes, surroundings: (_service, name) => settings(name) });
    const started = await startGateways(plan, instances);
    return supervised(processes, started, onProgress);
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

interface Plan {
  readonly options: SentinelTopologyOptions;
  /** The password of all servers. */
  readonly password: string;
  readonly processes: Processes;
  readonly link: Link;
  /** The kept port of a server. */
  readonly port: (name: string) => number;
}

async function startBrokers({ options, password, processes, link, port }: Plan): Promise<void> {
  const start = async (name: string, index: number): Promise<void> => {
    const route = routeNames[index] ?? "";
    const others = brokerNames.flatMap((other, at) => (other === name ? [] : [[other, routeNames[at] ?? ""] as const]));
    const routes = await Promise.all(others.map(([other, at]) => link(name, other, port(at))));
    const cluster = { name: "assent", port: port(route), routes };
    const broker = { folder: join(options.folder, name), port: port(name), password, cluster };
    await processes.add(name, startNats(broker));
  };
  await Promise.all(brokerNames.map(start));
}

async function startDatabases({ options, password, processes, link, port }: Plan, service: ServiceName): Promise<void> {
  const { folder, durability = "D2" } = options;
  const names = databaseNames(service);
  const servers = await startReplicaSet({
    folder: join(folder, `redis-${service}`),
    ports: names.map(port),
    announcedPorts: await Promise.all(names.map((name) => link("redis", name, port(name)))),
    password,
    memoryBytesMax,
    replicasMin: durability === "D2" ? 1 : 0,
  });
  await Promise.all(names.map((name, index) => processes.add(name, Promise.resolve(serverAt(servers, index)))));
}

async function startSentinels({ options, password, processes, link, port }: Plan): Promise<void> {
  const masters = await Promise.all(
    serviceNames.map(async (service) => {
      const [first = ""] = databaseNames(service);
      return { name: service, port: await link("redis", first, port(first)) };
    }),
  );
  const watch = { masters, password, quorum, downAfterMs, failoverTimeoutMs };
  const started = await Promise.all(
    sentinelNames.map(async (name) => {
      const announcedPort = await link("sentinel", name, port(name));
      const folder = join(options.folder, name);
      return processes.add(name, startSentinel({ folder, port: port(name), announcedPort, ...watch }));
    }),
  );
  const replicas = nodesOfEach - 1;
  await sentinelsKnowAll(started, { masters: serviceNames, replicas, sentinels: sentinelNames.length - 1 });
}

/** How each instance reaches brokers, sentinels and, by their announced addresses, databases. */
async function surroundings({
  options,
  password,
  link,
  port,
}: Plan): Promise<(name: string) => Readonly<Record<string, string>>> {
  const { durability = "D2", instances } = options;
  const settings = new Map<string, Readonly<Record<string, string>>>();
  for (const service of serviceNames) {
    for (const name of namesOf(service, instances?.[service] ?? 2)) {
      const reach = (names: readonly string[]): Promise<readonly string[]> =>
        Promise.all(names.map(async (each) => `127.0.0.1:${await link(name, each, port(each))}`));
      const nodes = databaseNames(service);
      const reached = await reach(nodes);
      const announced = await Promise.all(nodes.map((each) => link("redis", each, port(each))));
      settings.set(name, {
        NATS_URL: (await reach(brokerNames)).map((address) => `nats://${password}@${address}`).join(","),
        SENTINEL_HOSTS: (await reach(sentinelNames)).join(","),
        SENTINEL_PASSWORD: password,
        REDIS_SENTINEL_SERVICE: service,
        REDIS_PASSWORD: password,
        ASSENT_REDIS_NAT: announced.map((at, index) => `127.0.0.1:${at}>${reached[index] ?? ""}`).join(","),
        ASSENT_DURABILITY: durability === "D2" ? "D2" : "D0",
        ASSENT_STREAM_COPIES: String(brokerNames.length),
      });
    }
  }
  return (name) => settings.get(name) ?? {};
}

async function startGateways(
  { options, processes, link }: Plan,
  instances: Readonly<Record<ServiceName, readonly InstancePort[]>>,
): Promise<readonly ServerProcess[]> {
  const system = systemName(options.folder);
  const start = async (name: string, index: number): Promise<ServerProcess> => {
    const portsOf = (service: ServiceName): Promise<number[]> =>
      Promise.all(instances[service].map((instance) => link(name, instance.name, instance.port)));
    const targets = { order: await portsOf("order"), stock: await portsOf("stock"), payment: await portsOf("payment") };
    const port = options.port === undefined || options.port === 0 ? undefined : options.port + index;
    const folder = join(options.folder, name);
    return processes.add(name, startGateway({ folder, targets, system, ...(port !== undefined && { port }) }));
  };
  return Promise.all(namesOf("gateway", gateways).map(start));
}

function serverAt(servers: readonly ServerProcess[], index: number): ServerProcess {
  const server = servers[index];
  if (server === undefined) throw new Error(`unknown server ${index}`);
  return server;
}

// Instances of the services as processes, wherever their bus and their databases are.
import { ServerProcess, startOnPort } from "@assent/local-servers";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { maxAgeMs } from "./database-bounds.ts";
import { isHealthy } from "./instance-health.ts";
import { keepSettings } from "./kept-settings.ts";
import { systemName } from "./system-name.ts";
import { type Processes, type ServiceName, serviceNames, type TopologyOptions } from "./topology.ts";

export interface InstancesRequest {
  readonly options: TopologyOptions;
  readonly processes: Processes;
  /** Bus and database of an instance, as settings of its process. */
  readonly surroundings: (service: ServiceName, name: string) => Readonly<Record<string, string>>;
  /** Picks a free port; default: at random. Another process may take it before the instance listens. */
  readonly choosePort?: () => Promise<number>;
}

export interface InstancePort {
  readonly name: string;
  readonly port: number;
}

const instancesOfEach = 2;
/** Types are stripped and code is compiled once, not in each instance at each start: that halves the CPU of a start. */
const compileCache = fileURLToPath(new URL("../../../.cache/compiled", import.meta.url));
const command = fileURLToPath(new URL("../../cli/bin/assent.mjs", import.meta.url));

/** Starts all instances concurrently, and returns their ports. @throws {ServerNotStarted} */
export async function startInstances(
  request: InstancesRequest,
): Promise<Readonly<Record<ServiceName, readonly InstancePort[]>>> {
  const { options, processes } = request;
  const started: Record<ServiceName, InstancePort[]> = { order: [], stock: [], payment: [] };
  const starting = serviceNames.flatMap((service) =>
    Array.from({ length: options.instances?.[service] ?? instancesOfEach }, async (_, index) => {
      const name = `${service}-${index}`;
      const start = (port: number): Promise<ServerProcess> => startInstance(request, { service, name, port });
      const { port } = await processes.add(name, startOnPort(undefined, start, request.choosePort));
      started[service][index] = { name, port };
    }),
  );
  await Promise.all(starting);
  return started;
}

function startInstance(
  { options, surroundings }: InstancesRequest,
  { service, name, port }: InstancePort & { readonly service: ServiceName },
): Promise<ServerProcess> {
  const { folder, protocol = "auto", delivery = "jetstream", faults = false, drainMs = 0, environmentOf } = options;
  const system = systemName(folder);
  const settings = {
    ASSENT_SYSTEM: system,
    HOST: "127.0.0.1",
    PORT: String(port),
    INSTANCE_ID: name,
    ASSENT_DELIVERY: delivery,
    ORCHESTRATOR_PROTOCOL: protocol,
    ASSENT_FAULTS: faults ? "on" : "off",
    ASSENT_DRAIN_MS: String(drainMs),
    ASSENT_MAX_AGE_MS: String(maxAgeMs),
    ...surroundings(service, name),
    ...environmentOf?.(name),
  };
  keepSettings(folder, name, settings);
  return ServerProcess.start({
    name,
    binary: process.execPath,
    args: [command, service],
    folder: join(folder, name),
    port,
    environment: {
      npm_lifecycle_event: undefined,
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? compileCache,
      ...withoutOthers(),
      ...settings,
    },
    answers: () => isHealthy({ system, service, name, port }),
  });
}

/** Removes variables of this process that name other servers. */
function withoutOthers(): Readonly<Record<string, undefined>> {
  const names = Object.keys(process.env).filter((name) => /^(REDIS|SENTINEL|NATS|ASSENT)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

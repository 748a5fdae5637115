// A NATS server of its own, with JetStream when asked for, loopback only.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

/** How long a client may take to log in. The default of 2 s is too short for a machine on which all start at once. */
const authorizationSeconds = 30;

export interface NatsOptions {
  /** Of this server alone: its configuration, log and streams. */
  readonly folder: string;
  /** Left out: a free one. */
  readonly port?: number;
  /** Left out: true. */
  readonly jetstream?: boolean;
  /** Password of clients (as their token) and of other brokers, letters and digits; left out: none is required. */
  readonly password?: string;
  /** Largest message, headers included. Left out: as the server has it, 1 MiB. */
  readonly maxPayloadBytes?: number;
  /** One of several brokers that are one. */
  readonly cluster?: NatsCluster;
  /** Further lines of the configuration. */
  readonly settings?: readonly string[];
}

export interface NatsCluster {
  readonly name: string;
  /** Where the other brokers reach this one. */
  readonly port: number;
  /** Where this one reaches the others: ports of the loopback address. */
  readonly routes: readonly number[];
}

/**
 * Starts a NATS server on the loopback address and resolves when it answers. It listens on `port`.
 * Streams in files outlive a restart, streams in memory do not.
 * @throws {ServerUnavailable} when there is no nats-server and none can be obtained
 * @throws {ServerNotStarted} when it does not come up
 */
export async function startNats(options: NatsOptions): Promise<ServerProcess> {
  const { folder, jetstream = true, maxPayloadBytes, password, settings = [] } = options;
  const binary = await serverBinary("nats-server");
  makePrivateFolder(folder);
  // Tells it from a stranger on the same port.
  const serverName = `assent-${randomUUID()}`;
  return startOnPort(options.port, (port) => {
    const lines = [
      `listen: "${loopback}:${port}"`,
      `server_name: "${serverName}"`,
      ...(jetstream ? [`jetstream { store_dir: "${join(folder, "streams")}" }`] : []),
      ...(maxPayloadBytes === undefined ? [] : [`max_payload: ${maxPayloadBytes}`]),
      ...(password === undefined ? [] : [`authorization { token: "${password}", timeout: ${authorizationSeconds} }`]),
      ...(options.cluster === undefined ? [] : clusterLines(options.cluster, password)),
      ...settings,
    ];
    const file = join(folder, "nats.conf");
    writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
    const answers = (): Promise<boolean> => answersAs(port, serverName);
    const secret = password === undefined ? {} : { password };
    return ServerProcess.start({ name: "nats", binary, args: ["-c", file], folder, port, ...secret, answers });
  });
}

/** Clients know all brokers from the start: being told others would lead them around what stands in between. */
function clusterLines({ name, port, routes }: NatsCluster, password: string | undefined): readonly string[] {
  const user = "route";
  const credentials = password === undefined ? "" : `${user}:${password}@`;
  const urls = routes.map((route) => `"nats://${credentials}${loopback}:${route}"`);
  return [
    "cluster {",
    `  name: "${name}", listen: "${loopback}:${port}", no_advertise: true, routes: [${urls.join(", ")}]`,
    ...(password === undefined
      ? []
      : [`  authorization { user: "${user}", password: "${password}", timeout: ${authorizationSeconds} }`]),
    "}",
  ];
}

async function answersAs(port: number, serverName: string): Promise<boolean> {
  // It introduces itself to everybody, also where it lets only some in.
  const received = await converse({ port, text: "", isComplete: (all) => all.includes("\r\n"), waitMs: 1_000 });
  return received !== undefined && received.startsWith("INFO ") && received.includes(`"${serverName}"`);
}

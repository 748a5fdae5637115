// A separate NATS server, with JetStream if requested, on loopback only.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

/** Time limit for a client's login. The default of 2 s is too short on a machine that starts all processes at once. */
const authorizationSeconds = 30;

export interface NatsOptions {
  /** Used by this server only: its configuration, log and streams. */
  readonly folder: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Default: true. */
  readonly jetstream?: boolean;
  /** Password of clients (as their token) and of other brokers, letters and digits; default: none is required. */
  readonly password?: string;
  /** Largest message, including headers. Default: that of the server, 1 MiB. */
  readonly maxPayloadBytes?: number;
  /** Makes it a member of a cluster. */
  readonly cluster?: NatsCluster;
  /** Further lines of the configuration. */
  readonly settings?: readonly string[];
}

export interface NatsCluster {
  readonly name: string;
  /** Port on which the other brokers reach this one. */
  readonly port: number;
  /** Ports of the loopback address on which this broker reaches the others. */
  readonly routes: readonly number[];
}

/**
 * Starts a NATS server on the loopback address and resolves when it answers. It listens on `port`.
 * Streams in files survive a restart, streams in memory do not.
 * @throws {ServerUnavailable} if there is no nats-server and it cannot be obtained
 * @throws {ServerNotStarted} if it does not start
 */
export async function startNats(options: NatsOptions): Promise<ServerProcess> {
  const { folder, jetstream = true, maxPayloadBytes, password, settings = [] } = options;
  const binary = await serverBinary("nats-server");
  makePrivateFolder(folder);
  // Distinguishes it from another server on the same port.
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

/** Clients know all brokers from the start: advertised addresses would lead them around the proxies in between. */
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
  // It sends its name to every client, even before a login.
  const received = await converse({ port, text: "", isComplete: (all) => all.includes("\r\n"), waitMs: 1_000 });
  return received !== undefined && received.startsWith("INFO ") && received.includes(`"${serverName}"`);
}

// `assent up`: runs a whole topology on this machine until it is asked to stop.
import { firstDatabase, startLocalTopology, startSentinelTopology, type Topology } from "@assent/topology";
import { isPortFree } from "@assent/local-servers";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CannotStart } from "./cannot-start.ts";
import { lockDataFolder } from "./embedded/data-folder.ts";
import { LogStream } from "./log-stream.ts";
import { markDatabases } from "./processes/mark-databases.ts";
import { databasesOf } from "./running-topology.ts";
import { InvalidSettings } from "./settings.ts";
import { closeOnSignal } from "./shutdown.ts";

export interface UpOptions {
  readonly topology: string;
  readonly port: number;
  readonly order: number;
  readonly stock: number;
  readonly payment: number;
  readonly data?: string;
  readonly protocol: string;
  readonly delivery: string;
  readonly faults?: boolean;
  readonly quiet?: boolean;
  readonly acceptStores?: boolean;
}

/** Two checks of the gateway, plus a margin. */
const drainMs = 1_200;

const portMax = 65_535;

/** Where a server keeps its append-only files, as Redis names it. */
const appendOnlyFolder = "appendonlydir";

/** @throws {InvalidSettings} {CannotStart} {DataFolderInUse} {ServerUnavailable} {ServerNotStarted} */
export async function up(options: UpOptions): Promise<void> {
  const { order, stock, payment, port } = options;
  const kind = oneOf("--topology", options.topology, ["local", "sentinel"]);
  const protocol = oneOf("--protocol", options.protocol, ["auto", "2pc", "saga"]);
  const delivery = oneOf("--delivery", options.delivery, ["jetstream", "core"]);
  const ports = kind === "sentinel" ? [port, port + 1] : [port];
  if (ports.some((each) => each > portMax)) {
    const range = `from 1 to ${portMax - ports.length + 1}`;
    throw new InvalidSettings(`--port is ${port}; it must be ${range}, or 0 for a free port. Nothing was started.`);
  }
  const folder = lockDataFolder(resolve(options.data ?? `data/${kind}`));
  mustBeOf(kind, folder.path);
  if (port !== 0) await mustBeFree(ports);
  const start = kind === "sentinel" ? startSentinelTopology : startLocalTopology;
  const topology = await start({
    folder: folder.path,
    instances: { order, stock, payment },
    ...(port !== 0 && { port }),
    protocol,
    delivery,
    faults: options.faults === true,
    drainMs,
    beforeServices: (variablesOf) => {
      const settings = databasesOf(variablesOf);
      return markDatabases({ settings, topology: kind, folder: folder.path, accept: options.acceptStores === true });
    },
    onProgress: (line) => console.log(`assent: ${line}`),
  });
  const logs = options.quiet === true ? undefined : new LogStream(topology.processes, (line) => console.log(line));
  // Its children and timers do not keep this process alive; this does.
  const stay = setInterval(() => undefined, 60_000);
  closeOnSignal(async () => {
    clearInterval(stay);
    await topology.stop();
    logs?.stop();
    folder.release();
  });
  console.log(table(topology));
  console.log(`assent: orders, stock and payment are served on ${topology.urls.join(" and ")}. Stop with Ctrl-C.`);
}

/** Data of another topology would be silently ignored. @throws {CannotStart} */
function mustBeOf(kind: keyof typeof firstDatabase, folder: string): void {
  const other = kind === "local" ? "sentinel" : "local";
  if (!existsSync(join(folder, firstDatabase[other]("order"), appendOnlyFolder))) return;
  const remedy = "Choose another folder with --data.";
  const message = `${folder} contains the data of the ${other} topology. Nothing was started. ${remedy}`;
  throw new CannotStart("data_folder_unusable", message);
}

/** The gateway starts last, so a port in use must be detected before everything else runs. @throws {CannotStart} */
async function mustBeFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (await isPortFree(port)) continue;
    const remedy = "Stop the process that listens there, or choose another port with --port.";
    throw new CannotStart("cannot_listen", `Port ${port} is in use. Nothing was started. ${remedy}`);
  }
}

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw new InvalidSettings(`${option} is ${value}; it must be one of ${names.join(", ")}. Nothing was started.`);
}

function table({ processes }: Topology): string {
  const rows = [...processes].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(
    ([name, { port, pid, folder }]) =>
      `  ${name.padEnd(width)}  port ${String(port).padEnd(5)}  process ${String(pid).padEnd(7)}  ${folder}`,
  );
  return ["assent: what runs where", ...lines].join("\n");
}

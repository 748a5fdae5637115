// A PostgreSQL server of its own, on the loopback address only.
import { spawn } from "node:child_process";
import { chownSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { loopback } from "./free-port.ts";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerNotStarted, ServerProcess, type ServerUser } from "./server-process.ts";
import { converse } from "./socket-conversation.ts";

export interface PostgresOptions {
  /**
   * Of this server alone: its data and log, which are kept. Where root starts it, the folders above it must be open to
   * others, because the server runs as another user.
   */
  readonly folder: string;
  /** Left out: a free one. */
  readonly port?: number;
  /** Whether a commit that was acknowledged survives a crash of the machine. Left out: true. */
  readonly fsync?: boolean;
  /** Further settings, such as "max_connections=20". */
  readonly settings?: readonly string[];
}

/** The superuser of every server that is started here; it needs no password. */
export const postgresUser = "postgres";

/** PostgreSQL refuses to run as root, so root runs it as the user that owns nothing. */
const nobody: ServerUser = { uid: 65_534, gid: 65_534 };
const dataFolder = "data";
const initDeadlineMs = 120_000;
/** A session is opened by a message of this length, of version 3.0, and is ready when the server says so. */
const openSession = `\0\0\0\x17\0\x03\0\0user\0${postgresUser}\0\0`;
const sessionReady = "Z\0\0\0\x05I";
/** Lines of `postmaster.pid`. */
const [pidLine, portLine, statusLine] = [0, 3, 7];
const restartDeadlineMs = 60_000;

/**
 * Starts a PostgreSQL server and resolves when it answers. It listens on `port`. `stop` ends its connections.
 * @throws {ServerUnavailable} when there is no PostgreSQL and none can be obtained
 * @throws {ServerNotStarted} when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<ServerProcess> {
  const { folder, fsync = true, settings = [] } = options;
  const binary = await serverBinary("postgres");
  makePrivateFolder(folder);
  const user = process.getuid?.() === 0 ? nobody : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  await initialize({ initdb: join(dirname(binary), "initdb"), folder, user });
  return startOnPort(options.port, (port) => {
    const all = [
      `listen_addresses=${loopback}`,
      `port=${port}`,
      "unix_socket_directories=",
      `fsync=${fsync ? "on" : "off"}`,
      ...settings,
    ];
    const args = ["-D", join(folder, dataFolder), ...all.flatMap((setting) => ["-c", setting])];
    const answers = (pid: number): Promise<boolean> => answersAs({ folder, port }, pid);
    return ServerProcess.start({
      name: "postgres",
      binary,
      args,
      folder,
      port,
      answers,
      ...(user !== undefined && { user }),
      // SIGTERM would wait until its clients leave.
      stopSignal: "SIGINT",
    });
  });
}

/** Kills the server and starts it again: it recovers from what was flushed. Its connections end. */
export async function crashPostgres(server: ServerProcess): Promise<void> {
  await server.kill();
  const deadline = performance.now() + restartDeadlineMs;
  for (;;) {
    try {
      return await server.restart();
    } catch (error) {
      // The processes of its connections notice that it is gone, but not at once.
      const isHeld = error instanceof ServerNotStarted && /pre-existing shared memory|lock file/.test(error.message);
      if (!isHeld || performance.now() > deadline) throw error;
    }
  }
}

interface Initialization {
  readonly initdb: string;
  readonly folder: string;
  readonly user: ServerUser | undefined;
}

/** A folder that was initialized completely is kept as it is. */
async function initialize({ initdb, folder, user }: Initialization): Promise<void> {
  if (existsSync(join(folder, dataFolder))) return;
  const data = join(folder, "incomplete");
  rmSync(data, { recursive: true, force: true });
  const args = ["-D", data, "-U", postgresUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  const { status, printed } = await new Promise<{ status: number | null; printed: string }>((resolve) => {
    const child = spawn(initdb, args, { cwd: folder, timeout: initDeadlineMs, ...user });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: unknown) => (text += String(chunk)));
    child.once("error", (error) => (text += error.message));
    child.once("close", (code) => resolve({ status: code, printed: text }));
  });
  if (status === 0) return renameSync(data, join(folder, dataFolder));
  throw new ServerNotStarted(`initdb ended with ${status}`, printed);
}

/**
 * Whether the server that answers is this process. The data folder says which process has it, on which port, and
 * whether it is ready; a server that does not get its port ends.
 */
async function answersAs({ folder, port }: { folder: string; port: number }, pid: number): Promise<boolean> {
  const lines = linesOf(join(folder, dataFolder, "postmaster.pid"));
  const isReady = lines[statusLine]?.trim() === "ready";
  if (!isReady || Number(lines[pidLine]) !== pid || Number(lines[portLine]) !== port) return false;
  const isComplete = (received: string): boolean => received.endsWith(sessionReady) || received.startsWith("E");
  return (await converse({ port, text: openSession, isComplete, waitMs: 1_000 }))?.endsWith(sessionReady) === true;
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    // It is not there yet, or no more.
    return [];
  }
}

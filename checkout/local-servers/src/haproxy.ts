// A separate HAProxy with a configuration written by the caller.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOnPort } from "./port-choice.ts";
import { makePrivateFolder } from "./private-folder.ts";
import { serverBinary } from "./server-binary.ts";
import { ServerProcess } from "./server-process.ts";

export interface HaproxyOptions {
  /** Used by this server only: its configuration, log and files. */
  readonly folder: string;
  /** The whole configuration, which must listen on this port of 127.0.0.1. */
  readonly config: (port: number) => string;
  /** Further files of the folder, by name, such as error responses. */
  readonly files?: Readonly<Record<string, string>>;
  /** Default: a free port. */
  readonly port?: number;
  /** Whether this HAProxy, and not another process, answers on the port. Never rejects. */
  readonly answers: (port: number) => Promise<boolean>;
}

/**
 * Starts an HAProxy and resolves when it answers.
 * @throws {ServerUnavailable} if there is no haproxy and it cannot be obtained
 * @throws {ServerNotStarted} if it does not start, such as for an error in the configuration, which its log reports
 */
export async function startHaproxy({
  folder,
  config,
  files = {},
  port: asked,
  answers,
}: HaproxyOptions): Promise<ServerProcess> {
  const binary = await serverBinary("haproxy");
  makePrivateFolder(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return startOnPort(asked, (port) => {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(file, config(port));
    const args = ["-db", "-f", file];
    return ServerProcess.start({ name: "haproxy", binary, args, folder, port, answers: () => answers(port) });
  });
}

// HAProxy in front of the services on this machine.
import { type ServerProcess, startHaproxy } from "@assent/local-servers";
import { gatewayFiles, type GatewayTargets } from "./gateway-config.ts";

export interface StartGatewayOptions {
  /** Of this gateway alone. */
  readonly folder: string;
  readonly targets: GatewayTargets;
  readonly host?: string;
  /** Left out: a free one. */
  readonly port?: number;
}

/** @throws {ServerUnavailable}; {ServerNotStarted} */
export function startGateway(options: StartGatewayOptions): Promise<ServerProcess> {
  const { folder, targets, host = "127.0.0.1", port } = options;
  const files = (at: number) => gatewayFiles({ ...targets, folder, host, port: at });
  return startHaproxy({
    folder,
    config: (at) => files(at).config,
    files: files(0).errorFiles,
    ...(port !== undefined && { port }),
  });
}

// HAProxy in front of the services on this machine.
import { randomUUID } from "node:crypto";
import { type ServerProcess, startHaproxy } from "@assent/local-servers";
import { gatewayFiles, type GatewayTargets } from "./gateway-config.ts";

const healthWaitMs = 1_000;

export interface StartGatewayOptions {
  /** Used by this gateway only. */
  readonly folder: string;
  readonly targets: GatewayTargets;
  /** The system that the targets belong to. */
  readonly system: string;
  readonly host?: string;
  /** Default: a free port. */
  readonly port?: number;
}

/** @throws {ServerUnavailable}; {ServerNotStarted} */
export function startGateway(options: StartGatewayOptions): Promise<ServerProcess> {
  const { folder, targets, system, host = "127.0.0.1", port } = options;
  const id = randomUUID();
  const files = (at: number) => gatewayFiles({ ...targets, folder, system, id, host, port: at });
  return startHaproxy({
    folder,
    config: (at) => files(at).config,
    files: files(0).errorFiles,
    answers: (at) => isGateway(at, id),
    ...(port !== undefined && { port }),
  });
}

/** Whether this gateway answers, healthy or not. */
async function isGateway(port: number, id: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(healthWaitMs) });
    await response.arrayBuffer();
    return response.headers.get("assent-gateway") === id;
  } catch {
    // No process listens there yet, or no longer.
    return false;
  }
}

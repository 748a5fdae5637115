// Whether an instance answers: the intended one, not another process on its port.
import type { ServiceName } from "./topology.ts";

const healthWaitMs = 1_000;

export interface MeantInstance {
  readonly system: string;
  readonly service: ServiceName;
  readonly name: string;
  /** Of this machine. */
  readonly port: number;
}

/** Whether it answers, and is healthy. Never rejects. */
export async function isHealthy({ system, service, name, port }: MeantInstance): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${healthPath[service]}`, {
      headers: { "assent-system": system, "assent-instance": name },
      signal: AbortSignal.timeout(healthWaitMs),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // No process listens there yet, or no longer.
    return false;
  }
}

export const healthPath: Readonly<Record<ServiceName, string>> = {
  order: "/orders/health",
  stock: "/stock/health",
  payment: "/payment/health",
};

// The systems in which faults are injected: one process, or a whole topology.
import {
  serveCheckout,
  type ServedCheckout,
  startLocalTopology,
  startSentinelTopology,
  type Topology,
} from "@assent/topology";
import type { FaultMatrixOptions } from "./fault-matrix.ts";

type Protocol = "2pc" | "saga";
export type FaultySystem = Pick<FaultMatrixOptions, "url" | "hasDied" | "revive" | "log"> & {
  readonly close: () => Promise<unknown>;
};

const backMs = 120_000;
/** Characters of a process's output in an error. */
const shownLogLength = 3_000;

/** The local topology, which restarts its dead processes. */
export async function openLocal(folder: string, protocol: Protocol): Promise<FaultySystem> {
  return looked(await startLocalTopology({ folder, protocol, faults: true }));
}

/** The same with replicas and sentinels. */
export async function openSentinel(folder: string, protocol: Protocol): Promise<FaultySystem> {
  return looked(await startSentinelTopology({ folder, protocol, faults: true }));
}

function looked(topology: Topology): FaultySystem {
  let known = 0;
  return {
    url: () => topology.url,
    hasDied: () => topology.deaths() > known,
    async revive() {
      await topology.settled(backMs);
      known = topology.deaths();
    },
    close: () => topology.stop(),
  };
}

/** One process, restarted here when it dies. */
export async function openEmbedded(folder: string, protocol: Protocol): Promise<FaultySystem> {
  const serve = (): Promise<ServedCheckout> => serveCheckout({ dataFolder: folder, protocol, faults: true });
  let served = await serve();
  return {
    url: () => served.url,
    log: () => served.output().slice(-shownLogLength),
    hasDied: () => served.hasEnded(),
    async revive() {
      if (served.hasEnded()) served = await serve();
    },
    close: () => served.stop(),
  };
}

// Where tests of the HTTP contract run: in the embedded topology or, the same tests, in the local one.
import { startLocalTopology } from "./local-topology.ts";
import { serveCheckout, type ServedCheckout, type ServeOptions } from "./served-checkout.ts";

export type Somewhere = Pick<ServedCheckout, "url" | "stop">;

/** The topology of `serveSomewhere`; empty means embedded. */
export const topologyVariable = "ASSENT_TEST_TOPOLOGY";

/** Serves the checkout system in the topology named by the environment. */
export async function serveSomewhere(options: ServeOptions): Promise<Somewhere> {
  if (process.env[topologyVariable] !== "local") return serveCheckout(options);
  const { dataFolder, protocol, port, faults } = options;
  const topology = await startLocalTopology({
    folder: dataFolder,
    ...(protocol !== undefined && { protocol }),
    ...(port !== undefined && { port }),
    ...(faults !== undefined && { faults }),
  });
  return {
    url: topology.url,
    async stop() {
      await topology.stop();
      return 0;
    },
  };
}

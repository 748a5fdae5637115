// `assent serve`: runs the embedded topology until it is asked to stop.
import { resolve } from "node:path";
import { startEmbedded } from "./embedded/embedded-checkout.ts";
import { warnOfOpenHost } from "./http/loopback.ts";
import { observationLog } from "./observation-log.ts";
import { faultsOf, type Settings } from "./settings.ts";
import { closeOnSignal } from "./shutdown.ts";

export async function serve(settings: Settings, { acceptStores = false } = {}): Promise<void> {
  const dataFolder = resolve(settings.ASSENT_DATA);
  const faults = faultsOf(settings);
  const checkout = await startEmbedded({
    dataFolder,
    acceptStores,
    host: settings.HOST,
    port: settings.PORT,
    protocol: settings.ORCHESTRATOR_PROTOCOL,
    ...(faults !== undefined && { faults }),
    observer: observationLog("assent"),
    report: (error, where) => console.error(`assent: ${where}:`, error),
    onFailed: (error) => {
      console.error("assent: a store has failed; exiting. Start again: recovery finishes what was in flight.", error);
      process.exit(1);
    },
  });
  closeOnSignal(() => checkout.close());
  warnOfOpenHost("assent", settings.HOST);
  console.log(`assent: orders, stock and payment are served on ${checkout.url}`);
  if (faults !== undefined) console.log("assent: fault injection is ON: anyone who reaches this port can crash it");
  console.log(`assent: data in ${dataFolder}, protocol ${settings.ORCHESTRATOR_PROTOCOL}. Stop with Ctrl-C.`);
}

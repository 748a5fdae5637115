// The topology that `assent up` is running on a folder.
import { keptSettings } from "@assent/launcher";
import { resolve } from "node:path";
import { isDataFolderHeld } from "./embedded/data-folder.ts";

export const topologies = ["local", "sentinel"] as const;

/** No topology runs on the folder. `code` is stable. */
export class NothingRuns extends Error {
  readonly code = "nothing_runs";

  constructor(folder: string, topology: string) {
    super(
      `no topology runs on ${folder}; nothing was read. Start it with \`assent up --topology ${topology}\`, ` +
        "or name the folder of one that runs with --data",
    );
    this.name = "NothingRuns";
  }
}

/** The variables that an instance of a service was started with. @throws {NothingRuns} */
export function settingsOfRunning(
  { topology, data }: { readonly topology: string; readonly data: string | undefined },
  service: "order" | "stock" | "payment",
): Readonly<Record<string, string | undefined>> {
  const folder = resolve(data ?? `data/${topology}`);
  const settings = isDataFolderHeld(folder) ? keptSettings(folder, `${service}-0`) : undefined;
  if (settings === undefined) throw new NothingRuns(folder, topology);
  return settings;
}

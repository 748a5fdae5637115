// The topology that `assent up` is running on a folder.
import { keptSettings } from "@assent/topology";
import { resolve } from "node:path";
import { isDataFolderHeld } from "./embedded/data-folder.ts";
import { type DatabaseSettings, readDatabaseSettings } from "./processes/database-settings.ts";
import type { OfEach } from "./processes/paused-databases.ts";

/** No topology runs on the folder. `code` is stable. */
export class NothingRuns extends Error {
  readonly code = "nothing_runs";

  constructor(folder: string, topology: string) {
    super(
      `no topology runs on ${folder}; nothing was read. Start one with \`assent up --topology ${topology}\`, ` +
        "or name the folder of a running topology with --data",
    );
    this.name = "NothingRuns";
  }
}

/** A topology by its name, and its folder, if not the default one. */
export interface RunningTopology {
  readonly topology: string;
  readonly data: string | undefined;
}

export function folderOf({ topology, data }: RunningTopology): string {
  return resolve(data ?? `data/${topology}`);
}

type Service = "order" | "stock" | "payment";
type Variables = Readonly<Record<string, string | undefined>>;

/** The location of its databases. @throws {NothingRuns} */
export function databasesOfRunning(running: RunningTopology): OfEach<DatabaseSettings> {
  return databasesOf((service) => settingsOfRunning(running, service));
}

/** The location of the databases that services reach with these variables. */
export function databasesOf(variablesOf: (service: Service) => Variables): OfEach<DatabaseSettings> {
  const settingsOf = (service: Service): DatabaseSettings => readDatabaseSettings(variablesOf(service));
  return { orders: settingsOf("order"), stock: settingsOf("stock"), payment: settingsOf("payment") };
}

/** The variables that an instance of a service was started with. @throws {NothingRuns} */
export function settingsOfRunning(running: RunningTopology, service: Service): Variables {
  const folder = folderOf(running);
  const settings = isDataFolderHeld(folder) ? keptSettings(folder, `${service}-0`) : undefined;
  if (settings === undefined) throw new NothingRuns(folder, running.topology);
  return settings;
}

// The settings of an instance, kept in its folder like a server's configuration: commands that need the same database
// read them there.
import { makePrivateFolder } from "@assent/local-servers";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Settings = Readonly<Record<string, string | undefined>>;

const fileOf = (folder: string, instance: string): string => join(folder, instance, "settings.json");

export function keepSettings(folder: string, instance: string, settings: Settings): void {
  makePrivateFolder(join(folder, instance));
  writeFileSync(fileOf(folder, instance), `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
}

/** Of an instance ("order-0") of the topology started last in the folder; undefined if there was none. */
export function keptSettings(folder: string, instance: string): Settings | undefined {
  const file = fileOf(folder, instance);
  // `keepSettings` writes nothing else.
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Settings) : undefined;
}

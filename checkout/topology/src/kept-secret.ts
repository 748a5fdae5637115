// The password of a topology's servers: random, created with its folder and kept there, because servers that know each
// other need the same one after a restart.
import { makePrivateFolder } from "@assent/local-servers";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const secretBytes = 24;

/** Only letters and digits, so that it needs no escaping in configurations, addresses and commands. */
export function keptSecret(folder: string): string {
  const file = join(folder, "secret.txt");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const secret = randomBytes(secretBytes).toString("hex");
  makePrivateFolder(folder);
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

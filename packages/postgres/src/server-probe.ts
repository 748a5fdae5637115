// What a server promises, asked before anything is entrusted to it.
import { StoreFailure } from "assent/internal/engine";
import type { Database } from "./database.ts";

/** A database that cannot keep what this store promises. `code` is stable. Nothing was changed. */
export class UnsuitableServer extends Error {
  readonly code = "unsuitable_server";

  constructor(why: string, options?: ErrorOptions) {
    super(`the database cannot be used: ${why}`, options);
    this.name = "UnsuitableServer";
  }
}

/** The first version that is tested. */
const versionMin = 15;

const settings = "fsync full_page_writes synchronous_commit server_version_num".split(" ");

const probe = `SELECT json_build_object(
  'isStandby', pg_is_in_recovery(),
  ${settings.map((name) => `'${name}', current_setting('${name}')`).join(", ")},
  'lacking', (SELECT string_agg(name, ', ') FROM unnest(string_to_array($1, ' ')) AS name
    WHERE to_regclass(name) IS NULL))::text`;

/**
 * D1: what was answered survives a crash of the server and of its machine.
 * @throws {UnsuitableServer} saying what to change
 */
export async function probeServer(
  database: Database<unknown>,
  { tables, acceptsLoss }: { readonly tables: readonly string[]; readonly acceptsLoss: boolean },
): Promise<void> {
  const [found = {}] = await database.read(probe, [tables.join(" ")]).catch((error: unknown) => {
    if (!(error instanceof StoreFailure)) throw error;
    throw new UnsuitableServer("it cannot be reached, or does not answer", { cause: error });
  });
  const version = Math.floor(Number(found["server_version_num"]) / 10_000);
  if (version < versionMin) throw new UnsuitableServer(`it is of version ${version}; ${versionMin} or later is needed`);
  if (found["isStandby"] === true) throw new UnsuitableServer("it is a standby, which takes no writes");
  if (typeof found["lacking"] === "string") {
    throw new UnsuitableServer(`it lacks ${found["lacking"]}: call migrate(), or run schema.sql`);
  }
  if (acceptsLoss) return;
  for (const name of ["fsync", "full_page_writes", "synchronous_commit"]) {
    if (found[name] !== "off") continue;
    throw new UnsuitableServer(`${name} is off, so a crash may lose what was answered; set it to on (rule D1)`);
  }
}

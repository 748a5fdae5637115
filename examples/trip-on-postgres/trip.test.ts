// The example runs as its guide says, on a server that is there for it, and again on what it has left.
import { postgresUser, startPostgres } from "@assent/local-servers";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(new URL("./trip.ts", import.meta.url));
const guide = readFileSync(new URL("../../docs/how-to/take-part-with-postgres.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "assent-trip-"));
const server = await startPostgres({ folder });
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("the example books once for each key, also in a second run, and its guide shows it as it is", async () => {
  const env = { ...process.env, DATABASE_URL: `postgres://${postgresUser}@127.0.0.1:${server.port}/postgres` };
  const printed = /prints:\n\n```\n([^`]*)```/.exec(guide)?.[1];
  for (let run = 0; run < 2; run += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
    assert.equal(stdout.replaceAll(/ +$/gm, ""), printed);
  }
  assert.ok(guide.includes(`\`\`\`ts\n${readFileSync(program, "utf8")}\`\`\``), "the program in the guide is another");
});

// Books the same trip with each peer, in every scenario, and prints what happened (docs/reference/side-by-side.md).
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { install, packed } from "./installation.ts";
import { type Entry, peers, programs } from "./peers.ts";
import { scenarios, tripOf } from "./scenarios.ts";
import { World } from "./world.ts";

const { values } = parseArgs({ options: { peer: { type: "string" }, only: { type: "string" } } });
const chosen = Object.entries(peers).filter(([name]) => values.peer === undefined || values.peer === name);
if (chosen.length === 0) throw new Error(`no peer ${values.peer}; there are: ${Object.keys(peers).join(", ")}`);

const folder = mkdtempSync(join(tmpdir(), "peers-"));
// The server may run as another user.
chmodSync(folder, 0o755);
const world = await World.open(join(folder, "postgres"));
console.log(
  `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? "unknown"}, ${process.platform}`,
);
try {
  for (const [name, entry] of chosen) await compare(name, entry);
} finally {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(name: string, entry: Entry): Promise<void> {
  const installed = await install({
    source: join(programs, entry.program),
    folder: join(folder, name),
    tarballs: entry.program === "assent" ? await packed(join(folder, "tarballs")) : [],
  });
  entry.plain?.(installed.folder);
  await world.create(entry.schemas);
  const peer = entry.make();
  const { flights, wallet, serverPort } = world;
  const startedAt = performance.now();
  try {
    await peer.start({
      folder: installed.folder,
      serverPort,
      flightsPort: flights.port,
      walletPort: wallet.port,
    });
    await world.fill("first");
    await peer.book("first", tripOf("first"));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const { packages, megabytes, versions, lines } = installed;
    console.log(`\n${name}: ${versions.join(", ")}`);
    console.log(`  ${lines} lines, ${packages} packages, ${megabytes.toFixed(1)} MB, installed in \
${installed.seconds.toFixed(1)} s, then ${seconds} s to the first commit`);
    for (const [title, scenario] of Object.entries(scenarios)) {
      const isWanted = title.includes(values.only ?? "");
      const isSettledByPlain = entry.plain === undefined || title.includes("after the commit of the seats");
      const isPossible = peer.bookElsewhere !== undefined || !title.includes("another process");
      if (!isWanted || !isSettledByPlain || !isPossible) continue;
      const key = title.replaceAll(/[^a-z]+/g, "_").slice(0, 60);
      await world.fill(key);
      const { isRight, outcome, books, seen } = await scenario({ peer, world, name: key, trip: tripOf(key) });
      console.log(
        `  ${isRight ? "right" : "WRONG"} ${title}: ${outcome}; ${books}${seen === undefined ? "" : `; seen: ${seen}`}`,
      );
    }
  } finally {
    await peer.stop();
  }
}

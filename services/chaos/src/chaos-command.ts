// `npm run chaos`: the sentinel topology under load with faults of every kind, or, with --minutes, random kills.
// `npm run kills`: the local topology, every process killed in turn.
// Exit code 1 on any finding; the data is kept then.
import { temporaryFolder } from "@assent/launcher";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ChaosReport, chaosRun, type FaultResult } from "./chaos-run.ts";
import type { Fault } from "./faults/fault.ts";
import { faults } from "./faults/cases.ts";
import { chaosReportText } from "./report.ts";
import { killOf, soakKills } from "./faults/kills.ts";
import { Stage } from "./stage.ts";

const { values } = parseArgs({
  options: {
    topology: { type: "string", default: "sentinel" },
    rounds: { type: "string" },
    minutes: { type: "string" },
    every: { type: "string", default: "10" },
    only: { type: "string" },
    masters: { type: "string" },
    lag: { type: "string", default: "0" },
    durability: { type: "string", default: "D2" },
    protocol: { type: "string", default: "auto" },
    delivery: { type: "string", default: "jetstream" },
    connections: { type: "string", default: "16" },
    rate: { type: "string" },
    report: { type: "string" },
    history: { type: "string" },
    list: { type: "boolean" },
    json: { type: "boolean" },
  },
});

/** Attempts per second where minutes of them are kept and judged; the local topology takes all it can. */
const steadyRate = "200";

const chosen = faults.filter(({ name }) => values.only === undefined || name.includes(values.only));
if (values.list === true) {
  for (const { name } of chosen) process.stdout.write(`${name}\n`);
} else {
  await run();
}

async function run(): Promise<void> {
  const folder = temporaryFolder();
  const lagMs = Number(values.lag);
  const isSoak = values.minutes !== undefined || values.masters !== undefined;
  const isLocal = values.topology === "local";
  const rate = values.rate ?? (isLocal ? undefined : steadyRate);
  const common = {
    folder: folder.path,
    protocol: values.protocol as "auto",
    delivery: values.delivery as "jetstream",
  };
  const stage = isLocal
    ? await Stage.openLocal(common)
    : await Stage.openSentinel({
        ...common,
        cuts: lagMs > 0 || (!isSoak && chosen.some(({ cuts }) => cuts === true)),
        durability: values.durability as "D2",
      });
  // Replicas are behind, so that what was acknowledged without them is missing on the one that is promoted.
  if (lagMs > 0) stage.network?.slow((from, to) => from === "redis" && to.startsWith("redis-"), lagMs);
  const begunAt = new Date();
  const report = await chaosRun({
    stage,
    faults: strikes(stage),
    connections: Number(values.connections),
    ...(rate !== undefined && { requestsPerSecond: Number(rate) }),
    ...(isSoak && { everyMs: 1_000 * Number(values.every) }),
    ...(values.history !== undefined && { historyFile: values.history }),
    onCase: (result) => (values.json === true ? undefined : print(result)),
  });
  await stage.close();
  tell(report, { begunAt, folder: folder.path });
  if (report.findings.length === 0) folder.remove();
  else process.exitCode = 1;
}

function strikes(stage: Stage): Iterable<Fault> {
  const names = [...stage.topology.processes.keys()];
  if (values.masters !== undefined) return masterKills(Number(values.masters));
  if (values.rounds !== undefined) return Array.from({ length: Number(values.rounds) }, () => names.map(killOf)).flat();
  if (values.minutes === undefined) return chosen;
  return soakKills({ victims: names, minutes: Number(values.minutes), draw: Math.random });
}

/** The masters of the services in turns, so many times in all. */
function masterKills(count: number): readonly Fault[] {
  const kills = faults.filter(({ name }) => /^the master .*is killed$/.test(name));
  return Array.from({ length: count }, (_, index) => kills[index % kills.length]).filter(
    (fault) => fault !== undefined,
  );
}

function tell(report: ChaosReport, { begunAt, folder }: { begunAt: Date; folder: string }): void {
  const command = `npm run chaos -- ${process.argv.slice(2).join(" ")}`.trim();
  const text = chaosReportText(report, { command, begunAt });
  if (values.report !== undefined) writeFileSync(values.report, text);
  process.stdout.write(values.json === true ? `${JSON.stringify(report, null, 2)}\n` : `\n${text}`);
  if (report.findings.length === 0) return;
  writeFileSync(join(folder, "findings.txt"), report.findings.join("\n"));
  process.stderr.write(`${report.findings.length} findings; the data is kept in ${folder}\n`);
}

function print({ name, flowsAfterMs, stoodStillMs, wellAfterMs }: FaultResult): void {
  const columns = [flowsAfterMs, stoodStillMs, wellAfterMs].map((ms) => `${(ms / 1_000).toFixed(1)} s`.padStart(8));
  process.stdout.write(`flows after ${columns[0]}, stood still ${columns[1]}, well after ${columns[2]}  ${name}\n`);
}

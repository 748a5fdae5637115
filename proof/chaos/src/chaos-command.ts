// `npm run proof -- chaos`: the sentinel topology under load with faults of every kind, or, with --minutes, random
// kills. Exit code 1 on any finding; the data is kept in that case.
import {
  amountOption,
  choiceOption,
  commandOptions,
  countOption,
  deliveryOption,
  flagOption,
  protocolOption,
  temporaryFolder,
  textOption,
} from "@assent/topology";
import type { Fault } from "./faults/fault.ts";
import { faults } from "./faults/cases.ts";
import { soakKills } from "./faults/kills.ts";
import { SystemUnderTest } from "./system-under-test.ts";
import { reportedRun } from "./reported-run.ts";

const values = commandOptions({
  command: "npm run proof -- chaos",
  about: "Injects every fault once into the sentinel topology under load, then checks all answers and the stored data.",
  options: {
    list: flagOption("only print the names of the faults"),
    only: textOption("part", "faults whose name contains this text"),
    minutes: amountOption("instead of the faults, kill random processes for this many minutes"),
    masters: countOption(0, "instead of the faults, kill masters in turn, this many times", 0),
    every: countOption(10, "seconds between kills, for --minutes and --masters"),
    lag: countOption(0, "lag of the replicas in milliseconds", 0),
    durability: choiceOption(["D2", "D1"], "D2", "required durability of the databases"),
    protocol: protocolOption,
    delivery: deliveryOption,
    connections: countOption(16, "concurrent customers"),
    rate: countOption(200, "requests per second"),
    report: textOption("file", "also write the report to this file"),
    history: textOption("file", "write every attempt to this file, one JSON line each"),
    json: flagOption("print the report as JSON"),
  },
});

const chosen = faults.filter(({ name }) => values.only === undefined || name.includes(values.only));
if (chosen.length === 0) {
  const why = `no fault has "${values.only}" in its name. Nothing was started. --list prints all names`;
  process.stderr.write(`npm run proof -- chaos: ${why}\n`);
  process.exitCode = 1;
} else if (values.list) {
  process.stdout.write(chosen.map(({ name }) => `${name}\n`).join(""));
} else {
  await run();
}

async function run(): Promise<void> {
  const folder = temporaryFolder();
  const { lag, durability, protocol, delivery } = values;
  const isSoak = values.minutes !== undefined || values.masters > 0;
  const system = await SystemUnderTest.openSentinel({
    folder: folder.path,
    cuts: lag > 0 || (!isSoak && chosen.some(({ cuts }) => cuts === true)),
    durability,
    protocol,
    delivery,
  });
  // Replicas lag, so that writes acknowledged without them are missing on a promoted replica.
  if (lag > 0) system.network?.slow((from, to) => from === "redis" && to.startsWith("redis-"), lag);
  await reportedRun({
    ...values,
    command: "npm run proof -- chaos",
    folder,
    system,
    faults: strikes(system),
    requestsPerSecond: values.rate,
    ...(isSoak && { everyMs: 1_000 * values.every }),
  });
}

function strikes(system: SystemUnderTest): Iterable<Fault> {
  if (values.masters > 0) return masterKills(values.masters);
  if (values.minutes === undefined) return chosen;
  return soakKills({ victims: [...system.topology.processes.keys()], minutes: values.minutes, draw: Math.random });
}

/** Kills the masters of the services in turn, this many times in total. */
function masterKills(count: number): readonly Fault[] {
  const kills = faults.filter(({ name }) => /^the master .*is killed$/.test(name));
  return Array.from({ length: count }, (_, index) => kills[index % kills.length]).filter(
    (fault) => fault !== undefined,
  );
}

// `npm run proof -- chaos`: the sentinel topology under load with faults of every kind, or, with --minutes, random
// kills. Exit code 1 on any finding; the data is kept then.
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
import { Stage } from "./stage.ts";
import { toldRun } from "./told-run.ts";

const values = commandOptions({
  command: "npm run proof -- chaos",
  about: "The sentinel topology under load, with every fault once, and then the judge.",
  options: {
    list: flagOption("print the names of the faults, and nothing else"),
    only: textOption("part", "faults whose name has this part"),
    minutes: amountOption("a soak of so long: random processes are killed, in place of the faults"),
    masters: countOption(0, "so many kills of masters, in turns, in place of the faults", 0),
    every: countOption(10, "seconds from kill to kill, in a soak and of masters"),
    lag: countOption(0, "how far replicas are behind, in milliseconds", 0),
    durability: choiceOption(["D2", "D1"], "D2", "what the databases have to promise"),
    protocol: protocolOption,
    delivery: deliveryOption,
    connections: countOption(16, "customers at once"),
    rate: countOption(200, "requests per second"),
    report: textOption("file", "where the report is written, too"),
    history: textOption("file", "where every attempt is written, a line of JSON each"),
    json: flagOption("print the report as JSON"),
  },
});

const chosen = faults.filter(({ name }) => values.only === undefined || name.includes(values.only));
if (chosen.length === 0) {
  const why = `no fault has "${values.only}" in its name. Nothing was started. Their names: --list`;
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
  const stage = await Stage.openSentinel({
    folder: folder.path,
    cuts: lag > 0 || (!isSoak && chosen.some(({ cuts }) => cuts === true)),
    durability,
    protocol,
    delivery,
  });
  // Replicas are behind, so that what was acknowledged without them is missing on the one that is promoted.
  if (lag > 0) stage.network?.slow((from, to) => from === "redis" && to.startsWith("redis-"), lag);
  await toldRun({
    ...values,
    command: "npm run proof -- chaos",
    folder,
    stage,
    faults: strikes(stage),
    requestsPerSecond: values.rate,
    ...(isSoak && { everyMs: 1_000 * values.every }),
  });
}

function strikes(stage: Stage): Iterable<Fault> {
  if (values.masters > 0) return masterKills(values.masters);
  if (values.minutes === undefined) return chosen;
  return soakKills({ victims: [...stage.topology.processes.keys()], minutes: values.minutes, draw: Math.random });
}

/** The masters of the services in turns, so many times in all. */
function masterKills(count: number): readonly Fault[] {
  const kills = faults.filter(({ name }) => /^the master .*is killed$/.test(name));
  return Array.from({ length: count }, (_, index) => kills[index % kills.length]).filter(
    (fault) => fault !== undefined,
  );
}

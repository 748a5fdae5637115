// `npm run proof -- cost`: the cost of a checkout in a topology, in rounds on the same processes, so that growth with
// history shows. Another version of this repository can run alternately on the same machine; then only ratios are
// meaningful.
import {
  choiceOption,
  commandOptions,
  countOption,
  flagOption,
  serveCheckout,
  temporaryFolder,
  textOption,
} from "@assent/topology";
import { setTimeout as pause } from "node:timers/promises";
import { closedLoop } from "./closed-loop.ts";
import { type ProcessFigures, processFigures } from "./process-figures.ts";

const values = commandOptions({
  command: "npm run proof -- cost",
  about: "Measures CPU, written bytes, write calls and memory of each checkout, in rounds on one process.",
  options: {
    topology: choiceOption(["embedded", "local", "sentinel"], "embedded", "the measured topology"),
    connections: countOption(1, "connections that check out"),
    orders: countOption(2_000, "checkouts of each round"),
    rounds: countOption(3, "rounds on one process"),
    against: textOption("PATH", "a working copy of another version, ready to run, measured alternately with this one"),
    idle: countOption(0, "idle seconds after the last round, before memory is read again", 0),
    json: flagOption("print the rounds as JSON"),
  },
});

interface Round {
  readonly cpuMicros: number;
  readonly writtenBytes: number;
  readonly writeCalls: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the largest process of the checkout system. */
  readonly residentMegabytes: number;
  /** Of all database servers; 0 in the embedded topology. */
  readonly databaseMegabytes: number;
  readonly notSuccessful: number;
}

const { topology, connections, orders, rounds } = values;
const databaseProgram = "redis-server";
/** Items, and users: enough that concurrent checkouts rarely conflict. */
const accountsMax = 100_000;
const trees: readonly (readonly [name: string, tree: string | undefined])[] =
  values.against === undefined
    ? [["this", undefined]]
    : [
        ["this", undefined],
        ["other", values.against],
      ];
const systems = await Promise.all(trees.map(([name, tree]) => openSystem(name, tree)));
const measured: (Round & { readonly version: string })[] = [];
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const system of systems) {
      const found = await system.round(round);
      measured.push({ version: system.name, ...found });
      if (!values.json) process.stdout.write(`${system.name.padEnd(5)} ${roundText(found)}\n`);
    }
  }
  if (values.idle > 0) await pause(values.idle * 1_000);
  for (const system of systems) {
    if (!values.json) process.stdout.write(`${system.name.padEnd(5)} ${memoryText(system.memory())} at the end\n`);
  }
} finally {
  await Promise.all(systems.map((system) => system.stop()));
}
if (values.json)
  process.stdout.write(`${JSON.stringify({ topology, connections, orders, rounds: measured }, null, 2)}\n`);

async function openSystem(
  name: string,
  tree: string | undefined,
): Promise<{
  readonly name: string;
  round(number: number): Promise<Round>;
  memory(): Memory;
  stop(): Promise<void>;
}> {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path, topology, ...(tree !== undefined && { tree }) });
  const { url, pid } = served;
  const all = orders * rounds;
  const accounts = Math.min(all, accountsMax);
  const seeds = [
    `/stock/batch_init/${accounts}/1000000/1`,
    `/payment/batch_init/${accounts}/1000000`,
    `/orders/batch_init/${all}/${accounts}/${accounts}/1`,
  ];
  const { byStatus } = await closedLoop({ url, connections: 1, paths: seeds });
  if (byStatus[200] !== seeds.length) {
    await served.stop();
    throw new Error(`${all} orders could not be seeded in one request: ${JSON.stringify(byStatus)}; use fewer`);
  }
  return {
    name,
    async round(number) {
      const paths = Array.from({ length: orders }, (_, index) => `/orders/checkout/${number * orders + index}`);
      const before = processFigures(pid);
      const result = await closedLoop({ url, connections, paths });
      const after = processFigures(pid);
      return {
        cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / orders,
        writtenBytes: (after.writtenBytes - before.writtenBytes) / orders,
        writeCalls: (after.writeCalls - before.writeCalls) / orders,
        perSecond: result.perSecond,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        ...memoryOf(after),
        notSuccessful: orders - (result.byStatus[200] ?? 0),
      };
    },
    memory: () => memoryOf(processFigures(pid)),
    async stop() {
      await served.stop();
      folder.remove();
    },
  };
}

type Memory = Pick<Round, "residentMegabytes" | "databaseMegabytes">;

function memoryOf({ residentBytes, residentBytesMax }: ProcessFigures): Memory {
  return {
    residentMegabytes: (residentBytesMax.get("node") ?? 0) / 2 ** 20,
    databaseMegabytes: (residentBytes.get(databaseProgram) ?? 0) / 2 ** 20,
  };
}

function memoryText({ residentMegabytes, databaseMegabytes }: Memory): string {
  const databases = databaseMegabytes === 0 ? "" : `, databases ${databaseMegabytes.toFixed(0)} MB`;
  return `${residentMegabytes.toFixed(0)} MB resident${databases}`;
}

function roundText(round: Round): string {
  return (
    `CPU ${round.cpuMicros.toFixed(0)} µs, written ${(round.writtenBytes / 1_024).toFixed(1)} KB in ` +
    `${round.writeCalls.toFixed(1)} calls each; ${round.perSecond.toFixed(0)}/s, p50 ${round.p50Ms.toFixed(1)} ms, ` +
    `p99 ${round.p99Ms.toFixed(1)} ms; ${memoryText(round)}; ` +
    `not 2xx: ${round.notSuccessful}`
  );
}

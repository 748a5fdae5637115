// `npm run proof -- bench`: unique checkouts in a closed loop at durability D1, including the load generator, on the
// embedded default or on a topology of real servers. Each run starts a new system on an empty folder.
import { objectOf } from "assent/internal/protocol";
import {
  choiceOption,
  commandOptions,
  countOption,
  deliveryOption,
  flagOption,
  protocolOption,
  temporaryFolder,
} from "@assent/topology";
import { cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { closedLoop } from "./closed-loop.ts";
import { openEmbeddedSystem, openLocalSystem, openSentinelSystem } from "./measured-system.ts";

const values = commandOptions({
  command: "npm run proof -- bench",
  about: "Measures unique checkouts in a closed loop, including the load generator. Each run starts a new system.",
  options: {
    orders: countOption(60_000, "orders of each run"),
    connections: countOption(256, "connections that check out"),
    runs: countOption(5, "runs"),
    protocol: protocolOption,
    topology: choiceOption(["embedded", "local", "sentinel"], "embedded", "the measured topology"),
    delivery: deliveryOption,
    instances: countOption(2, "instances of each service, if there are several"),
    json: flagOption("print the summary and the runs as JSON"),
  },
});

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all processes except the load generator. */
  readonly serverCpuMicros: number;
  readonly cpuMicrosByKind: Readonly<Record<string, number>>;
  readonly clientCpuMicros: number;
  readonly notSuccessful: number;
  /** Bytes that a checkout leaves in each database until they are removed, once nothing is in progress. */
  readonly keptBytesByDatabase: Readonly<Record<string, number>>;
}

/** Longest wait for phase 2 of the last checkouts before memory is measured, and the interval of measurements. */
const settleMaxMs = 30_000;
const settleLookMs = 500;

const orders = values.orders;
const runs: Run[] = [];
for (let count = 0; count < values.runs; count += 1) {
  runs.push(await measure());
  const run = runs.at(-1);
  if (!values.json && run !== undefined) {
    process.stdout.write(
      `${run.perSecond.toFixed(0)} checkouts/s, p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms, ` +
        `CPU per checkout: server ${run.serverCpuMicros.toFixed(0)} µs, load generator ` +
        `${run.clientCpuMicros.toFixed(0)} µs, not 2xx: ${run.notSuccessful}\n${byKind(run)}`,
    );
  }
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`;
const rates = runs.map((run) => run.perSecond).sort((a, b) => a - b);
const summary = {
  machine,
  orders,
  connections: values.connections,
  protocol: values.protocol,
  topology: values.topology,
  perSecond: { min: rates[0], median: rates[Math.floor(rates.length / 2)], max: rates.at(-1) },
  runs,
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(summary, null, 2)}\n`
    : `${machine}: median ${summary.perSecond.median?.toFixed(0)} checkouts/s ` +
        `(${summary.perSecond.min?.toFixed(0)} to ${summary.perSecond.max?.toFixed(0)}), ${orders} orders, ` +
        `${values.connections} connections, ${values.protocol}, ${values.topology}\n`,
);

async function measure(): Promise<Run> {
  const folder = temporaryFolder();
  const protocol = values.protocol;
  const systems = { embedded: openEmbeddedSystem, local: openLocalSystem, sentinel: openSentinelSystem };
  const open = systems[values.topology];
  const system = await open({
    folder: folder.path,
    protocol,
    delivery: values.delivery,
    instances: values.instances,
  });
  try {
    const seeds = [
      `/stock/batch_init/${orders}/1000000/1`,
      `/payment/batch_init/${orders}/1000000`,
      `/orders/batch_init/${orders}/${orders}/${orders}/1`,
    ];
    await closedLoop({ url: system.url, connections: 1, paths: seeds });
    const keptBefore = await system.databaseBytes();
    const before = system.cpuSeconds();
    const clientBefore = process.cpuUsage();
    const paths = Array.from({ length: orders }, (_, index) => `/orders/checkout/${index}`);
    const result = await closedLoop({ url: system.url, connections: values.connections, paths });
    const client = process.cpuUsage(clientBefore);
    const spent = [...system.cpuSeconds()].map(([kind, seconds]): [string, number] => [
      kind,
      ((seconds - (before.get(kind) ?? 0)) * 1e6) / orders,
    ]);
    await nothingUnderWay(system.url);
    const kept = [...(await system.databaseBytes())].map(([kind, bytes]): [string, number] => [
      kind,
      (bytes - (keptBefore.get(kind) ?? 0)) / orders,
    ]);
    return {
      perSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      serverCpuMicros: spent.reduce((sum, [, micros]) => sum + micros, 0),
      cpuMicrosByKind: Object.fromEntries(spent),
      clientCpuMicros: (client.user + client.system) / orders,
      notSuccessful: orders - (result.byStatus[200] ?? 0),
      keptBytesByDatabase: Object.fromEntries(kept),
    };
  } finally {
    await system.stop();
    folder.remove();
  }
}

/** `forget` is sent to branches after the end, in the background. */
async function nothingUnderWay(url: string): Promise<void> {
  const deadline = performance.now() + settleMaxMs;
  const unfinished = async (): Promise<unknown> => {
    const response = await fetch(`${url}/orders/dlq/status`);
    return objectOf(await response.text())["unfinished"];
  };
  while ((await unfinished()) !== 0 && performance.now() < deadline) await pause(settleLookMs);
  await pause(settleLookMs);
}

function byKind({ cpuMicrosByKind, keptBytesByDatabase }: Run): string {
  const kinds = Object.entries(cpuMicrosByKind);
  if (kinds.length < 2) return "";
  const kept = Object.entries(keptBytesByDatabase).map(([kind, bytes]) => `${kind} ${bytes.toFixed(0)} B`);
  const cpu = kinds.map(([kind, micros]) => `${kind} ${micros.toFixed(0)} µs`);
  return `  ${cpu.join(", ")}\n  kept per checkout: ${kept.join(", ")}\n`;
}

// `npm run bench`: unique checkouts in a closed loop against the embedded default at durability D1, load generator
// included. Each run starts a process of its own on an empty folder.
import { serveCheckout, temporaryFolder } from "@assent/launcher";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { closedLoop } from "./closed-loop.ts";
import { processCpuSeconds } from "./process-cpu.ts";

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "60000" },
    connections: { type: "string", default: "256" },
    runs: { type: "string", default: "5" },
    protocol: { type: "string", default: "auto" },
    json: { type: "boolean" },
  },
});

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMicros: number;
  readonly clientCpuMicros: number;
  readonly notSuccessful: number;
}

const orders = Number(values.orders);
const runs: Run[] = [];
for (let count = 0; count < Number(values.runs); count += 1) {
  runs.push(await measure());
  const run = runs.at(-1);
  if (values.json !== true && run !== undefined) {
    process.stdout.write(
      `${run.perSecond.toFixed(0)} checkouts/s, p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms, ` +
        `CPU per checkout: server ${run.serverCpuMicros.toFixed(0)} µs, load generator ` +
        `${run.clientCpuMicros.toFixed(0)} µs, not 2xx: ${run.notSuccessful}\n`,
    );
  }
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`;
const rates = runs.map((run) => run.perSecond).sort((a, b) => a - b);
const summary = {
  machine,
  orders,
  connections: Number(values.connections),
  protocol: values.protocol,
  perSecond: { min: rates[0], median: rates[Math.floor(rates.length / 2)], max: rates.at(-1) },
  runs,
};
process.stdout.write(
  values.json === true
    ? `${JSON.stringify(summary, null, 2)}\n`
    : `${machine}: median ${summary.perSecond.median?.toFixed(0)} checkouts/s ` +
        `(${summary.perSecond.min?.toFixed(0)} to ${summary.perSecond.max?.toFixed(0)}), ${orders} orders, ` +
        `${values.connections} connections, ${values.protocol}\n`,
);

async function measure(): Promise<Run> {
  const folder = temporaryFolder();
  const protocol = values.protocol as "auto" | "2pc" | "saga";
  const served = await serveCheckout({ dataFolder: folder.path, protocol });
  try {
    const seeds = [
      `/stock/batch_init/${orders}/1000000/1`,
      `/payment/batch_init/${orders}/1000000`,
      `/orders/batch_init/${orders}/${orders}/${orders}/1`,
    ];
    await closedLoop({ url: served.url, connections: 1, paths: seeds });
    const serverBefore = processCpuSeconds(served.pid);
    const clientBefore = process.cpuUsage();
    const paths = Array.from({ length: orders }, (_, index) => `/orders/checkout/${index}`);
    const result = await closedLoop({ url: served.url, connections: Number(values.connections), paths });
    const client = process.cpuUsage(clientBefore);
    return {
      perSecond: result.perSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      serverCpuMicros: ((processCpuSeconds(served.pid) - serverBefore) * 1e6) / orders,
      clientCpuMicros: (client.user + client.system) / orders,
      notSuccessful: orders - (result.byStatus[200] ?? 0),
    };
  } finally {
    await served.stop();
    folder.remove();
  }
}

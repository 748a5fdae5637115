// `npm run proof -- overhead`: the cost of the orchestrator compared with a hand-written sequence of plain calls, per
// checkout, in CPU and in store steps. Both run alternately in one thread on the same SQLite stores at durability D1,
// without HTTP.
import { commandOptions, countOption, flagOption, temporaryFolder } from "@assent/topology";
import { openLocalStores, seedLocalStores } from "./overhead/local-stores.ts";
import { orchestratedCheckout, orchestratedSequentialSteps } from "./overhead/orchestrated.ts";
import { plainCheckout, plainSequentialSteps } from "./overhead/plain-calls.ts";

const values = commandOptions({
  command: "npm run proof -- overhead",
  about: "Measures the cost of the orchestrator compared with plain calls without a protocol.",
  options: {
    orders: countOption(20_000, "orders of each round"),
    "in-flight": countOption(128, "concurrent checkouts"),
    rounds: countOption(5, "measured rounds, after one warm-up round"),
    json: flagOption("print all measurements as JSON"),
  },
});

const ways = ["plain", "2pc", "saga"] as const;
type Way = (typeof ways)[number];

interface Measured {
  readonly way: Way;
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly storeSteps: number;
  readonly keysWritten: number;
  readonly commits: number;
}

const orders = values.orders;
const measured: Measured[] = [];
// The first round warms up the code and is not counted.
for (let round = 0; round <= values.rounds; round += 1) {
  for (const way of ways) {
    const result = await measure(way);
    if (round === 0) continue;
    measured.push(result);
    if (!values.json) {
      const { cpuMicros, perSecond } = result;
      process.stdout.write(`round ${round}: ${way}, ${cpuMicros} µs CPU, ${perSecond} checkouts/s\n`);
    }
  }
}
const summary = ways.map((way) => summaryOf(way));
if (values.json) process.stdout.write(`${JSON.stringify({ orders, summary, measured }, null, 2)}\n`);
else {
  for (const { way, cpuMicros, perSecond, storeSteps, sequentialSteps, keysWritten } of summary) {
    const cpu = `${cpuMicros.median} µs CPU (${cpuMicros.min} to ${cpuMicros.max})`;
    const steps = `${storeSteps.toFixed(1)} store steps, ${sequentialSteps} of them sequential before the answer`;
    process.stdout.write(
      `${way}: per checkout ${cpu}, ${steps}, ${keysWritten.toFixed(1)} keys; ${perSecond} checkouts/s\n`,
    );
  }
}

async function measure(way: Way): Promise<Measured> {
  const folder = temporaryFolder();
  const stores = openLocalStores(folder.path);
  await seedLocalStores(stores, { orders, accounts: orders });
  Object.assign(stores.work, { steps: 0, commits: 0, keysWritten: 0 });
  const orchestrated = way === "plain" ? undefined : orchestratedCheckout(stores, way);
  const checkOut = (orderId: string): Promise<boolean> =>
    orchestrated === undefined ? plainCheckout(stores, orderId) : orchestrated.run(orderId);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await closedLoopOf(checkOut);
  const seconds = (performance.now() - startedAt) / 1_000;
  // Phase 2 and later steps are part of the cost, although no caller waits for them.
  await orchestrated?.stop();
  const { user, system } = process.cpuUsage(cpu);
  const { steps, keysWritten, commits } = stores.work;
  stores.close();
  folder.remove();
  return {
    way,
    cpuMicros: Math.round((user + system) / orders),
    perSecond: Math.round(orders / seconds),
    storeSteps: steps / orders,
    keysWritten: keysWritten / orders,
    commits: commits / orders,
  };
}

async function closedLoopOf(checkOut: (orderId: string) => Promise<boolean>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let order = next++; order < orders; order = next++) {
      if (!(await checkOut(String(order)))) throw new Error(`order ${order} was not paid`);
    }
  };
  await Promise.all(Array.from({ length: values["in-flight"] }, work));
}

function summaryOf(way: Way) {
  const runs = measured.filter((result) => result.way === way);
  const median = (read: (result: Measured) => number): number =>
    runs.map(read).sort((a, b) => a - b)[runs.length >> 1] ?? Number.NaN;
  const cpu = runs.map(({ cpuMicros }) => cpuMicros);
  return {
    way,
    cpuMicros: { min: Math.min(...cpu), median: median(({ cpuMicros }) => cpuMicros), max: Math.max(...cpu) },
    storeSteps: median(({ storeSteps }) => storeSteps),
    sequentialSteps: way === "plain" ? plainSequentialSteps : orchestratedSequentialSteps,
    keysWritten: median(({ keysWritten }) => keysWritten),
    perSecond: median(({ perSecond }) => perSecond),
  };
}

// `npm run proof -- scenario`: the course's scenario in every protocol, with 100 connections and with all orders at
// once.
import { commandOptions, flagOption, serveCheckout, temporaryFolder } from "@assent/topology";
import { courseOrders, type CourseResult, courseScenario, courseStock, courseUsers } from "./course-scenario.ts";

const values = commandOptions({
  command: "npm run proof -- scenario",
  about: "1,000 buyers compete for 100 units, in every protocol.",
  options: {
    json: flagOption("print the rows as JSON"),
  },
});

interface Row extends CourseResult {
  readonly protocol: string;
  readonly connections: number;
  readonly verdict: string;
}

const rows: Row[] = [];
for (const protocol of ["2pc", "saga", "auto"] as const) {
  for (const connections of [100, courseOrders]) {
    const folder = temporaryFolder();
    const served = await serveCheckout({ dataFolder: folder.path, protocol });
    try {
      const result = await courseScenario({ url: served.url, connections, random: Math.random });
      rows.push({ protocol, connections, ...result, verdict: judge(result, protocol, connections) });
    } finally {
      await served.stop();
      folder.remove();
    }
    const row = rows.at(-1);
    if (!values.json && row !== undefined) print(row);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
if (rows.some((row) => row.verdict !== "ok")) process.exitCode = 1;

/** Conservation always; exactly 100 sales where only a false "sold out" could make it fewer (P10). */
function judge(result: CourseResult, protocol: string, connections: number): string {
  const { succeeded, refused, otherwise, stockLeft, creditLeft, paidOrders } = result;
  if (otherwise > 0) return `${otherwise} answers were neither 2xx nor 4xx`;
  if (succeeded + refused !== courseOrders) return "answers are missing";
  if (paidOrders !== succeeded) return `${paidOrders} orders are paid, but ${succeeded} were reported as paid`;
  if (stockLeft !== courseStock - succeeded) return `${stockLeft} in stock after ${succeeded} sales`;
  if (creditLeft !== courseUsers - succeeded) return `${creditLeft} credit left after ${succeeded} sales`;
  const exact = connections < courseOrders || protocol === "2pc";
  if (exact && succeeded !== courseStock) return `${succeeded} sold of ${courseStock}`;
  return "ok";
}

function print(row: Row): void {
  process.stdout.write(
    `${row.protocol.padEnd(4)} ${String(row.connections).padStart(4)} connections: ` +
      `${row.succeeded} x 2xx, ${row.refused} x 4xx, ${row.otherwise} otherwise; stock ${row.stockLeft}, ` +
      `credit ${row.creditLeft}, paid ${row.paidOrders}, ${row.distinctUsers} distinct users, ` +
      `${row.seconds.toFixed(2)} s: ${row.verdict}\n`,
  );
}

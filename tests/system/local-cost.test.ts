// What a checkout costs the local topology as it starts by default, two instances of each service, by counting: writes
// that are forced to a disk and their bytes, messages of commands, steps that were run again. Nothing here depends on
// how fast the machine is: what no caller waits for waits longer for company than any checkout takes.
import { connect } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { closedLoop } from "../../services/bench/src/closed-loop.ts";
import { keptSecret } from "../../services/launcher/src/kept-secret.ts";
import { startLocalTopology } from "../../services/launcher/src/local-topology.ts";
import { temporaryFolder } from "../../services/launcher/src/served-checkout.ts";
import type { Topology } from "../../services/launcher/src/topology.ts";

const services = ["order", "stock", "payment"] as const;
type Service = (typeof services)[number];
/** The table that every step of a transaction writes. */
const tables: Readonly<Record<Service, string>> = { order: "transactions", stock: "branches", payment: "branches" };
const oneByOne = 64;
const together = 640;
const orders = 4_000;

const folder = temporaryFolder();
let topology: Topology;
let next = 0;

before(async () => {
  topology = await startLocalTopology({
    folder: folder.path,
    protocol: "2pc",
    environmentOf: () => ({ ASSENT_COMPANY_WAIT_MS: "1500" }),
  });
  const paths = [
    `/stock/batch_init/${orders}/1000000/1`,
    `/payment/batch_init/${orders}/1000000`,
    `/orders/batch_init/${orders}/${orders}/${orders}/1`,
  ];
  await closedLoop({ url: topology.url, connections: 1, paths });
});
after(async () => {
  await topology.stop();
  folder.remove();
});

async function checkOut(connections: number, count: number): Promise<void> {
  const paths = Array.from({ length: count }, () => `/orders/checkout/${next++}`);
  const { byStatus } = await closedLoop({ url: topology.url, connections, paths });
  assert.deepEqual(byStatus, { 200: count });
}

/** What the database of a service has written for transactions: how many rounds, and bytes of its append-only file. */
function written(service: Service): { readonly rounds: number; readonly bytes: number } {
  const path = join(folder.path, `redis-${service}`, "appendonlydir");
  const files = readdirSync(path).filter((name) => name.endsWith(".incr.aof"));
  const text = files.map((name) => readFileSync(join(path, name), "latin1")).join("");
  // A script that writes more than once is one MULTI.
  const rounds = text.split("\r\nMULTI\r\n").filter((round) => round.includes(`:${tables[service]}\r\n`));
  return { rounds: rounds.length, bytes: rounds.reduce((sum, round) => sum + round.length, 0) };
}

interface Cost {
  readonly rounds: Readonly<Record<Service, number>>;
  readonly bytes: number;
  readonly messages: number;
  readonly messageBytes: number;
}

/** Of each of so many checkouts. */
async function costOf(connections: number, count: number): Promise<Cost> {
  const servers = `127.0.0.1:${topology.processes.get("nats")?.port}`;
  const nats = await connect({ servers, token: keptSecret(folder.path) });
  let [messages, messageBytes] = [0, 0];
  for (const kind of ["commands", "direct", "instances"]) {
    nats.subscribe(`assent.${kind}.>`, {
      callback: (_error, { data }) => {
        messages += 1;
        messageBytes += data.byteLength;
      },
    });
  }
  await nats.flush();
  const begun = services.map(written);
  await checkOut(connections, count);
  await nats.flush();
  const done = services.map(written);
  await nats.close();
  const rounds = services.map((service, index) => {
    return [service, ((done[index]?.rounds ?? 0) - (begun[index]?.rounds ?? 0)) / count] as const;
  });
  const bytes = services.map((_, index) => (done[index]?.bytes ?? 0) - (begun[index]?.bytes ?? 0));
  return {
    rounds: Object.fromEntries(rounds) as Record<Service, number>,
    bytes: bytes.reduce((sum, each) => sum + each, 0) / count,
    messages: messages / count,
    messageBytes: messageBytes / count,
  };
}

/** What was left over by the checkouts before, and announcements that a machine that stalls has lost. */
const slack = 0.25;
const atMost = (found: number, limit: number, what: string): void =>
  assert.ok(found <= limit + slack, `${what}: ${found} for each checkout, ${limit} at most`);

test("one checkout after the other costs what its caller waits for, and no more", async (context) => {
  await checkOut(1, oneByOne);
  const cost = await costOf(1, oneByOne);
  context.diagnostic(JSON.stringify(cost));
  atMost(cost.rounds.order, 2, "rounds of order: begin and decide, with the end of one before");
  atMost(cost.rounds.stock, 1, "rounds of stock: prepare, with commit and forget of ones before");
  atMost(cost.rounds.payment, 1, "rounds of payment");
  atMost(cost.messages, 2, "messages of commands");
  assert.ok(cost.bytes < 9_500, `${cost.bytes} bytes of append-only files`);
  assert.ok(cost.messageBytes < 3_000, `${cost.messageBytes} bytes of commands`);
});

test("64 checkouts at a time share rounds and messages", async (context) => {
  await checkOut(64, together);
  const cost = await costOf(64, together);
  context.diagnostic(JSON.stringify(cost));
  for (const service of services) atMost(cost.rounds[service], 0.5, `rounds of ${service}`);
  atMost(cost.messages, 0.5, "messages of commands");
  assert.ok(cost.bytes < 8_500, `${cost.bytes} bytes of append-only files`);
  assert.ok(cost.messageBytes < 3_000, `${cost.messageBytes} bytes of commands`);
});

test("instances to spare cost no step that is run again", async (context) => {
  await topology.stop();
  let conflicts = 0;
  for (const [name, process] of topology.processes) {
    const told = /(\d+) steps in (\d+) rounds and \d+ readings, (\d+) run again/.exec(process.log());
    if (told === null) continue;
    context.diagnostic(`${name}: ${told[0]}`);
    conflicts += Number(told[3]);
  }
  assert.ok(conflicts <= next / 2, `${conflicts} steps of ${next} checkouts were run again`);
});

// Counts the cost of a checkout in the local topology with its default of two instances of each service: writes forced
// to a disk and their bytes, command messages, steps that ran again. The machine's speed does not matter: background
// work is held back for longer than any checkout takes.
import { decodeCommands, isDecoded } from "assent/internal/protocol";
import { connect } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { closedLoop } from "../bench/src/closed-loop.ts";
import { keptSecret } from "../../checkout/topology/src/kept-secret.ts";
import { startLocalTopology } from "../../checkout/topology/src/local-topology.ts";
import { temporaryFolder } from "../../checkout/topology/src/served-checkout.ts";
import type { Topology } from "../../checkout/topology/src/topology.ts";

const services = ["order", "stock", "payment"] as const;
type Service = (typeof services)[number];
/** The table written by every step of a transaction. */
const tables: Readonly<Record<Service, string>> = { order: "transactions", stock: "branches", payment: "branches" };
const oneByOne = 64;
const together = 640;
const orders = 4_000;

/** Consecutive checkouts that must go to one instance of each service before anything is counted. */
const settledAfter = 8;
/** Most steps that one command can cause to run again if two instances work on the same records. */
const conflictsOfOne = 5;
/** Conflicts of sweeps, and of records that one instance seeded and the other changes. */
const conflictsBeside = 20;
const settleWaitMs = 120_000;
const pollMs = 20;

const folder = temporaryFolder();
let topology: Topology;
let bus: WatchedBus;
let sharedAtFirst = 0;
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
  const { byStatus } = await closedLoop({ url: topology.url, connections: 1, paths });
  assert.deepEqual(byStatus, { 200: paths.length });
  bus = await watchBus();
  await settled();
  sharedAtFirst = bus.shared;
});
after(async () => {
  await topology.stop();
  folder.remove();
});

/** The commands seen on the bus so far. */
interface WatchedBus {
  readonly messages: number;
  readonly bytes: number;
  /** Commands that did not go directly to the instance of the previous ones. */
  readonly shared: number;
  /** Branches that were sent `forget`. */
  readonly forgotten: ReadonlySet<string>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

async function watchBus(): Promise<WatchedBus> {
  const servers = `127.0.0.1:${topology.processes.get("nats")?.port}`;
  const nats = await connect({ servers, token: keptSecret(folder.path) });
  const seen = { messages: 0, bytes: 0, shared: 0, forgotten: new Set<string>() };
  const preferred = new Map<string, string>();
  const isPreferred = (subject: string): boolean => {
    const [, kind, processName = "", service = ""] = subject.split(".");
    if (kind !== "instances") return false;
    const before = preferred.get(service);
    preferred.set(service, processName);
    return before === undefined || before === processName;
  };
  for (const kind of ["commands", "direct", "instances"]) {
    nats.subscribe(`assent.${kind}.>`, {
      callback: (_error, { subject, data }) => {
        const commands = decodeCommands(data).filter(isDecoded);
        seen.messages += 1;
        seen.bytes += data.byteLength;
        if (!isPreferred(subject)) seen.shared += commands.length;
        for (const { verb, txId, branchId } of commands) if (verb === "forget") seen.forgotten.add(txId + branchId);
      },
    });
  }
  await nats.flush();
  return Object.assign(seen, { flush: () => nats.flush(), close: () => nats.close() });
}

/** A sender knows no instance at first, and uses the shared route. */
async function settled(): Promise<void> {
  const deadline = performance.now() + settleWaitMs;
  for (let since = next, shared = -1; next - since < settledAfter;) {
    if (bus.shared !== shared) [since, shared] = [next, bus.shared];
    assert.ok(performance.now() < deadline, "commands did not settle on one instance of each service");
    await checkOut(1, 1);
    await bus.flush();
  }
}

/** Resolves when every command of the checkouts so far has been sent. */
async function allSent(): Promise<void> {
  const deadline = performance.now() + settleWaitMs;
  while (bus.forgotten.size < 2 * next) {
    assert.ok(performance.now() < deadline, `${bus.forgotten.size} branches of ${next} checkouts have forgotten`);
    await pause(pollMs);
    await bus.flush();
  }
}

async function checkOut(connections: number, count: number): Promise<void> {
  const paths = Array.from({ length: count }, () => `/orders/checkout/${next++}`);
  const { byStatus } = await closedLoop({ url: topology.url, connections, paths });
  assert.deepEqual(byStatus, { 200: count });
}

/** Writes of a service's database for transactions: the number of rounds, and bytes of its append-only file. */
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

/** The cost of one checkout, averaged over this many. */
async function costOf(connections: number, count: number): Promise<Cost> {
  await bus.flush();
  const [messages, messageBytes] = [bus.messages, bus.bytes];
  const begun = services.map(written);
  await checkOut(connections, count);
  await bus.flush();
  const done = services.map(written);
  const rounds = services.map((service, index) => {
    return [service, ((done[index]?.rounds ?? 0) - (begun[index]?.rounds ?? 0)) / count] as const;
  });
  const bytes = services.map((_, index) => (done[index]?.bytes ?? 0) - (begun[index]?.bytes ?? 0));
  return {
    rounds: Object.fromEntries(rounds) as Record<Service, number>,
    bytes: bytes.reduce((sum, each) => sum + each, 0) / count,
    messages: (bus.messages - messages) / count,
    messageBytes: (bus.bytes - messageBytes) / count,
  };
}

/** A margin for leftovers of earlier checkouts, and for announcements lost by a stalled machine. */
const slack = 0.25;
const atMost = (found: number, limit: number, what: string): void =>
  assert.ok(found <= limit + slack, `${what}: ${found} for each checkout, limit ${limit}`);

test("sequential checkouts cost only the steps that their callers wait for", async (context) => {
  await checkOut(1, oneByOne);
  const cost = await costOf(1, oneByOne);
  context.diagnostic(JSON.stringify(cost));
  atMost(cost.rounds.order, 2, "rounds of order: begin and decide, with the end of the previous one");
  atMost(cost.rounds.stock, 1, "rounds of stock: prepare, with commit and forget of earlier ones");
  atMost(cost.rounds.payment, 1, "rounds of payment");
  atMost(cost.messages, 2, "messages of commands");
  assert.ok(cost.bytes < 9_500, `${cost.bytes} bytes of append-only files`);
  assert.ok(cost.messageBytes < 3_000, `${cost.messageBytes} bytes of commands`);
});

test("64 concurrent checkouts share rounds and messages", async (context) => {
  await checkOut(64, together);
  const cost = await costOf(64, together);
  context.diagnostic(JSON.stringify(cost));
  for (const service of services) atMost(cost.rounds[service], 0.5, `rounds of ${service}`);
  atMost(cost.messages, 0.5, "messages of commands");
  assert.ok(cost.bytes < 8_500, `${cost.bytes} bytes of append-only files`);
  assert.ok(cost.messageBytes < 3_000, `${cost.messageBytes} bytes of commands`);
});

test("spare instances cause no step to run again", async (context) => {
  await allSent();
  const { shared } = bus;
  await bus.close();
  await topology.stop();
  let conflicts = 0;
  let isAnyAvoided = false;
  for (const [name, process] of topology.processes) {
    const log = process.log();
    const counts = /(\d+) steps in (\d+) rounds and \d+ readings, (\d+) run again/.exec(log);
    if (counts === null) continue;
    context.diagnostic(`${name}: ${counts[0]}`);
    isAnyAvoided ||= log.includes("instance_silent");
    if (!name.startsWith("order")) conflicts += Number(counts[3]);
  }
  context.diagnostic(`${shared} commands took the shared route, ${sharedAtFirst} of them at first`);
  // If the machine stalls for long, an instance is avoided for a while; that is reported, and its cost is accepted.
  assert.ok(isAnyAvoided || shared === sharedAtFirst, `${shared} commands went to spare instances`);
  const limit = conflictsBeside + conflictsOfOne * shared;
  assert.ok(conflicts <= limit, `${conflicts} steps of ${next} checkouts ran again, limit ${limit}`);
});

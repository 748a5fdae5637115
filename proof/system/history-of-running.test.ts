// `assent history` and `assent audit` on the databases of a running system: neither changes anything.
import { keptSettings, startLocalTopology, temporaryFolder } from "@assent/topology";
import { redisUrlOf } from "@assent/local-servers";
import { redisConnect } from "@assent/redis";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { auditTopology } from "../../checkout/cli/src/audit.ts";
import { lockDataFolder } from "../../checkout/cli/src/embedded/data-folder.ts";

const command = join(import.meta.dirname, "../../checkout/cli/bin/assent.mjs");
const folder = temporaryFolder();
let topology: Awaited<ReturnType<typeof startLocalTopology>>;

interface HistoryOutput {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not in this thread: the topology's supervision continues meanwhile. */
async function runHistory(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<HistoryOutput> {
  const child = spawn(process.execPath, [command, "history", ...words], { env: { ...process.env, ...environment } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: unknown) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk: unknown) => (stderr += String(chunk)));
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}

const portOf = (name: string): string => String(topology.processes.get(name)?.port);

const databaseOf = (name: string): Record<"REDIS_PORT" | "REDIS_PASSWORD", string> => {
  return { REDIS_PORT: portOf(name), REDIS_PASSWORD: String(topology.processes.get(name)?.password) };
};

/** How many times the server received each command, without those of this count. */
async function callsOf(name: string): Promise<ReadonlyMap<string, number>> {
  const port = await redisConnect({ url: redisUrlOf(topology.processes.get(name) ?? { port: 0 }) })();
  const [info] = await port.send([["INFO", "commandstats"]]);
  port.close();
  return new Map(
    [...String(info).matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, word, calls]) => [word ?? "", Number(calls)]),
  );
}

before(async () => {
  topology = await startLocalTopology({ folder: folder.path, instances: { order: 1, stock: 1, payment: 1 } });
  const { url } = topology;
  for (const path of ["/stock/batch_init/1/5/1", "/payment/batch_init/1/5", "/orders/batch_init/2/1/1/1"]) {
    assert.equal((await fetch(url + path, { method: "POST" })).status, 200, path);
  }
  assert.equal((await fetch(`${url}/orders/checkout/0`, { method: "POST" })).status, 200);
});

after(async () => {
  await topology.stop();
  folder.remove();
});

test("the history of an order is printed as text and as JSON, with the variables of the order service", async () => {
  const environment = { REDIS_HOST: "127.0.0.1", ...databaseOf("redis-order") };
  const { txId, state, entries } = JSON.parse(
    (await runHistory(["0", "--database", "--json"], environment)).stdout,
  ) as {
    txId: string;
    state: string;
    entries: { event: string }[];
  };
  assert.equal(state, "committed");
  assert.deepEqual(
    entries.map(({ event }) => event),
    ["begun", "decided", "ended"],
  );
  const { code, stdout } = await runHistory([txId, "--database"], environment);
  assert.equal(code, 0);
  assert.match(
    stdout,
    new RegExp(`^data in redis://\\(hidden\\)@127\\.0\\.0\\.1:${environment.REDIS_PORT}/0\n${txId} is committed\n`),
  );
  const other = await runHistory(["0", "--database"], { ...environment, ASSENT_NAMESPACE: "other" });
  assert.match(other.stderr, /no transaction or order 0 in redis:/, "the namespace counts");
});

test("the database is asked for records only", async () => {
  // The instance is idle: all commands meanwhile are the reader's.
  const order = topology.processes.get("order-0");
  order?.pause();
  const calls = await callsOf("redis-order");
  assert.equal((await runHistory(["0", "--database"], databaseOf("redis-order"))).code, 0);
  const later = await callsOf("redis-order");
  order?.resume();
  const asked = [...later].filter(([word, count]) => count !== (calls.get(word) ?? 0)).map(([word]) => word);
  // In addition to opening a connection, and the commands of this test.
  assert.deepEqual(
    asked.filter((word) => !/^(info|hello|auth|client)/.test(word)),
    ["hget"],
  );
});

test("an unavailable history is reported in one line with a remedy, and nothing else is printed", async () => {
  const database = databaseOf("redis-order");
  const cases: readonly (readonly [words: string[], environment: Record<string, string>, says: RegExp])[] = [
    [["nobody", "--database"], database, /no transaction or order nobody in redis:/],
    [["1", "--database"], database, /order 1 was never checked out/],
    [
      ["0", "--database"],
      { REDIS_PORT: "1", REDIS_PASSWORD: "secret" },
      /cannot be read: redis:.*ECONNREFUSED.*Nothing was changed/,
    ],
    [
      ["0", "--database"],
      { SENTINEL_HOSTS: "127.0.0.1:1", REDIS_SENTINEL_SERVICE: "order" },
      /cannot be read: the master of order .*ECONN/,
    ],
    [["0", "--database"], { SENTINEL_HOSTS: "127.0.0.1:1" }, /REDIS_SENTINEL_SERVICE: is missing/],
    [["0", "--database", "--topology", "local"], database, /without --topology and --data\. Nothing was read/],
    // Its servers run, but no process holds the folder as `assent up` does.
    [["0", "--topology", "local", "--data", folder.path], {}, /no topology runs on .*assent up --topology local/],
    [["0", "--topology", "moon"], {}, /Allowed choices are local, sentinel/],
  ];
  for (const [words, environment, says] of cases) {
    const { code, stdout, stderr } = await runHistory(words, environment);
    assert.deepEqual([code, stdout], [1, ""], words.join(" "));
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /secret|^\s+at /m);
  }
});

test("an instance's folder keeps the settings of its start", () => {
  assert.equal(keptSettings(folder.path, "order-0")?.["REDIS_PORT"], portOf("redis-order"));
  assert.equal(keptSettings(folder.path, "order-1"), undefined);
});

/** With a lock on the folder, as held by `assent up`. */
async function audited(): ReturnType<typeof auditTopology> {
  const lock = lockDataFolder(folder.path, "start");
  try {
    return await auditTopology({ topology: "local", data: folder.path });
  } finally {
    lock.release();
  }
}

const post = async (path: string): Promise<number> => (await fetch(topology.url + path, { method: "POST" })).status;

test("the books of a running system add up under load, and a store that lacks something is named", async () => {
  const orders = 500;
  for (const path of ["/stock/batch_init/1/500/1", "/payment/batch_init/1/500", `/orders/batch_init/${orders}/1/1/1`]) {
    assert.equal(await post(path), 200, path);
  }
  let [next, paid, isOver] = [0, 0, false];
  const buyer = async (): Promise<void> => {
    while (!isOver && next < orders) {
      next += 1;
      if ((await post(`/orders/checkout/${next - 1}`)) === 200) paid += 1;
    }
  };
  const load = Promise.all(Array.from({ length: 8 }, buyer));
  while (paid < 8) await new Promise(setImmediate);
  for (const _ of [1, 2, 3]) assert.deepEqual((await audited()).findings, []);
  isOver = true;
  await load;
  const deadline = performance.now() + 60_000;
  while ((await audited()).unfinished > 0) assert.ok(performance.now() < deadline, "everything is settled");

  const server = topology.processes.get("redis-payment");
  const port = await redisConnect({ url: redisUrlOf(server ?? { port: 0 }) })();
  const [key, user] = ["{assent-payment}:accounts", "0"];
  const [kept] = await port.send([["HGET", key, user]]);
  await port.send([["HDEL", key, user]]);
  const { findings } = await audited();
  assert.match(
    findings.join("\n"),
    /^credit of user 0: paid orders cost \d+, the database of payment has no such account/,
  );
  await port.send([["HSET", key, user, String(kept)]]);
  const report = await audited();
  assert.deepEqual([report.findings, report.orders.paidBefore], [[], 1n]);
  port.close();
});

test("books that change while they are read are not judged", async () => {
  const port = await redisConnect({ url: redisUrlOf(topology.processes.get("redis-payment") ?? { port: 0 }) })();
  let isOver = false;
  const writing = (async () => {
    while (!isOver)
      await port.send([
        ["CLIENT", "UNPAUSE"],
        ["SET", "{assent-payment}:of-a-test", "1"],
      ]);
  })();
  await assert.rejects(audited(), { code: "books_moved", message: /Nothing was changed; try again/ });
  isOver = true;
  await writing;
  await port.send([["DEL", "{assent-payment}:of-a-test"]]);
  port.close();
});

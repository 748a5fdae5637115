// `npm run proof -- postgres`: what a branch costs in PostgreSQL, compared with the same SQL without a protocol. Rounds
// of both alternate on one machine, so only the ratios are meaningful.
import { startPostgres } from "@assent/local-servers";
import { postgres } from "@assent/postgres";
import { commandOptions, countOption, flagOption, temporaryFolder } from "@assent/topology";
import type { BranchStore } from "assent/internal/ports";
import { type Command, defaultLimits, type Verb } from "assent/internal/protocol";
import { systemClock } from "assent/node";
import { Pool, type PoolClient } from "pg";
import { cpuSecondsOfTree } from "./process-cpu.ts";

const values = commandOptions({
  command: "npm run proof -- postgres",
  about: "Measures CPU of Node and of the server for each branch, as ratios to the same SQL without a protocol.",
  options: {
    branches: countOption(400, "branches of each round"),
    rounds: countOption(3, "rounds of each kind"),
    pipeline: flagOption("let pg send statements without waiting for the ones before"),
    json: flagOption("print the ratios as JSON"),
  },
});

const connectionsMax = 16;
const accounts = 1_000;
const folder = temporaryFolder();
const server = await startPostgres({ folder: folder.path });
const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;

interface Cost {
  readonly node: number;
  readonly server: number;
  readonly elapsed: number;
}

type Unit = (index: number) => Promise<unknown>;

const take = "UPDATE stock SET free = free - 1 WHERE name = $1 AND free > 0";
const taking = "INSERT INTO takings VALUES ($1, $2, 'held')";
const settling = "UPDATE takings SET state = 'sold' WHERE tx = $1";

async function reserve(db: Pick<PoolClient, "query">, index: number, tx: string): Promise<void> {
  await db.query(take, [index % accounts]);
  await db.query(taking, [tx, index % accounts]);
}

/** One transaction, as a service without a protocol writes it. */
async function plain(pool: Pool, work: (db: PoolClient) => Promise<unknown>): Promise<void> {
  const db = await pool.connect();
  try {
    await db.query("BEGIN");
    await work(db);
    await db.query("COMMIT");
  } finally {
    db.release();
  }
}

async function measured(unit: Unit, first: number, inFlight: number): Promise<Cost> {
  const [nodeBefore, serverBefore, startedAt] = [process.cpuUsage(), cpuSecondsOfTree(server.pid), performance.now()];
  let next = first;
  const worker = async (): Promise<void> => {
    while (next < first + values.branches) await unit(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const node = process.cpuUsage(nodeBefore);
  return {
    node: (node.user + node.system) / values.branches,
    server: ((cpuSecondsOfTree(server.pid) - serverBefore) * 1_000_000) / values.branches,
    elapsed: (performance.now() - startedAt) / values.branches,
  };
}

const run = Date.now().toString(36);
const nameOf = (kind: string, index: number): string => `${run}-${kind}-${index}:life1:1`;

function unitsOf(pool: Pool, store: BranchStore): Readonly<Record<string, Unit>> {
  const begunAt = Date.now();
  const send = async (index: number, kind: string, verbs: readonly Verb[]): Promise<void> => {
    const base = { txId: nameOf(kind, index), branchId: "seats/0", protocol: "2pc", epoch: 1, begunAt } as const;
    for (const verb of verbs) {
      const vote = { payload: { index }, deadlineAt: begunAt + 3_600_000, origin: "{}" };
      const command: Command = verb === "prepare" ? { ...base, verb, ...vote } : { ...base, verb };
      const [answer] = await store.apply([command]);
      if (answer?.kind !== "done" && answer?.kind !== "forgotten") throw new Error(JSON.stringify(answer));
    }
  };
  return {
    "plain reserve": (index) => plain(pool, (db) => reserve(db, index, nameOf("r", index))),
    "branch: vote": (index) => send(index, "v", ["prepare"]),
    "plain reserve, then confirm": async (index) => {
      await plain(pool, (db) => reserve(db, index, nameOf("c", index)));
      await plain(pool, (db) => db.query(settling, [nameOf("c", index)]));
    },
    "branch: vote, commit, forget": (index) => send(index, "l", ["prepare", "commit", "forget"]),
  };
}

const pairs = [
  ["branch: vote", "plain reserve"],
  ["branch: vote, commit, forget", "plain reserve, then confirm"],
] as const;

const middle = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

try {
  const pool = new Pool({ connectionString: url, max: connectionsMax, ...(values.pipeline && { pipeline: true }) });
  await pool.query(`CREATE TABLE stock (name integer PRIMARY KEY, free integer NOT NULL);
    CREATE TABLE takings (tx text PRIMARY KEY, name integer NOT NULL, state text NOT NULL);
    INSERT INTO stock SELECT name, 1000000 FROM generate_series(0, ${accounts - 1}) AS name`);
  const store = postgres<PoolClient>(pool);
  await store.migrate();
  const ok = { kind: "ok" } as const;
  const never = (): never => {
    throw new Error("not measured");
  };
  const { branches } = await store.openBranches({
    service: "seats",
    limits: defaultLimits,
    clock: systemClock,
    handler: {
      async prepare({ db, txId, payload }) {
        await reserve(db, (payload as { index: number }).index, txId);
        return ok;
      },
      async commit({ db, txId }) {
        await db.query(settling, [txId]);
        return ok;
      },
      abort: never,
      execute: never,
      compensate: never,
      reapply: never,
    },
  });
  const units = unitsOf(pool, branches);
  const ratios: object[] = [];
  let first = 0;
  for (const inFlight of [1, 16, 64]) {
    const costs = new Map<string, Cost[]>();
    for (let round = 0; round <= values.rounds; round += 1) {
      for (const [name, unit] of Object.entries(units)) {
        const cost = await measured(unit, first, inFlight);
        // The first round warms up.
        if (round > 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
      }
      first += values.branches;
    }
    for (const [branch, without] of pairs) {
      const ratio = (part: keyof Cost): number => {
        const of = (name: string): number => middle((costs.get(name) ?? []).map((cost) => cost[part]));
        return Number((of(branch) / of(without)).toFixed(2));
      };
      const found = { inFlight, branch, without, node: ratio("node"), server: ratio("server"), time: ratio("elapsed") };
      ratios.push(found);
      if (!values.json) {
        const { node, server: database, time } = found;
        const figures = `Node ${node}, server ${database}, time ${time}`;
        process.stdout.write(`${String(inFlight).padStart(2)} in flight, ${branch} / ${without}: ${figures}\n`);
      }
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(ratios, null, 2)}\n`);
  await pool.end();
} finally {
  await server.stop();
  folder.remove();
}

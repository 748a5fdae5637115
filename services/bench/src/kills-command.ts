// `npm run kills`: every kind of process of the local topology killed under load. Exit code 1 on any finding.
import { startLocalTopology, temporaryFolder } from "@assent/launcher";
import { parseArgs } from "node:util";
import { type KillResult, killProof } from "./kill-proof.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    protocol: { type: "string", default: "auto" },
    delivery: { type: "string", default: "jetstream" },
    connections: { type: "string", default: "32" },
    json: { type: "boolean" },
  },
});
const instances = ["order-0", "stock-0", "payment-0"];
const servers = ["nats", "redis-order", "redis-stock", "redis-payment", "gateway"];
const victims = Array.from({ length: Number(values.rounds) }, () => [...instances, ...servers]).flat();

const folder = temporaryFolder();
const topology = await startLocalTopology({
  folder: folder.path,
  protocol: values.protocol as "auto",
  delivery: values.delivery as "jetstream",
});
if (values.json !== true) process.stdout.write("killed           checkouts stood still    back after\n");
const report = await killProof({
  topology,
  victims,
  connections: Number(values.connections),
  onKill: (kill) => (values.json === true ? undefined : print(kill)),
});
await topology.stop();
const { kills, checkouts, findings } = report;
if (values.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else process.stdout.write(`kills ${kills.length}, checkouts ${checkouts}, findings ${findings.length}\n`);
if (findings.length === 0) folder.remove();
else {
  process.stderr.write(`${findings.join("\n")}\nthe data is kept in ${folder.path}\n`);
  process.exitCode = 1;
}

function print({ victim, stoodStillMs, backAfterMs }: KillResult): void {
  const columns = [`${stoodStillMs.toFixed(0)} ms`.padStart(21), `${backAfterMs.toFixed(0)} ms`.padStart(14)];
  process.stdout.write(`${victim.padEnd(17)}${columns.join("")}\n`);
}

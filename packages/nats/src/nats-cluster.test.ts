// Three brokers in a cluster, with a stream kept by all of them: whichever dies, commands are answered.
import { freePorts, type ServerProcess, startNats } from "@assent/local-servers";
import type { Destination } from "assent/internal/ports";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { NatsBus } from "./nats-bus.ts";
import { subjectsOf } from "./subjects.ts";

const stock: Destination = { service: "stock", partition: "0" };
const waitMs = 60_000;
const folder = mkdtempSync(join(tmpdir(), "assent-cluster-"));
const brokers: ServerProcess[] = [];

before(async () => {
  const [ports, routes] = [await freePorts(3), await freePorts(3)];
  const start = (port: number, index: number): Promise<ServerProcess> =>
    startNats({
      folder: join(folder, String(index)),
      port,
      cluster: { name: "test", port: routes[index] ?? 0, routes },
    });
  brokers.push(...(await Promise.all(ports.map(start))));
});
after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const urls = (): string[] => brokers.map(({ port }) => `nats://127.0.0.1:${port}`);

function busOf(prefix: string, name: string): Promise<NatsBus> {
  return NatsBus.connect({
    servers: urls(),
    name,
    delivery: "jetstream",
    prefix,
    storage: { kind: "memory", replicas: 3 },
    clock: systemClock,
    random: systemRandom,
    schedule: nextTurn,
  });
}

/** Index of the broker that leads the stream of commands to stock. */
async function leader(prefix: string): Promise<number> {
  const nats = await connect({ servers: urls() });
  try {
    const { streams } = await jetstreamManager(nats);
    const info = await streams.info(subjectsOf(prefix).stream("stock"));
    const names = await Promise.all(
      brokers.map(async ({ port }) => {
        const each = await connect({ servers: `127.0.0.1:${port}` });
        const name = each.info?.server_name;
        await each.close();
        return name;
      }),
    );
    return names.indexOf(info.cluster?.leader);
  } finally {
    await nats.close();
  }
}

test("the broker that leads the stream is killed, and then another: every command is answered", async () => {
  const prefix = systemRandom.name();
  const [services, sender] = await Promise.all([busOf(prefix, "services"), busOf(prefix, "sender")]);
  await services.serveCommands("stock", recorder().endpoint);
  await until(() => services.status().services[0]?.problem === undefined, "the stream exists");
  assert.notEqual(await sender.send(stock, prepare("before"), waitMs), undefined);
  const leading = await leader(prefix);
  await brokers[leading]?.kill();
  const sendMore = async (): Promise<void> => {
    for (let index = 0; index < 20; index += 1) {
      assert.notEqual(await sender.send(stock, prepare(`o${index}`), waitMs), undefined);
    }
  };
  await sendMore();
  // A single broker leads no stream, however long one waits: commands are sent directly.
  const other = (leading + 1) % brokers.length;
  await brokers[other]?.kill();
  await sendMore();
  await Promise.all([brokers[leading]?.restart(), brokers[other]?.restart()]);
  await until(() => services.status().services[0]?.problem === undefined, "the stream has a leader again");
  await Promise.all([services.close(), sender.close()]);
});

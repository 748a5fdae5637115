// Connecting to the broker, and the error otherwise, without a secret in the message.
import { type ServerProcess, startNats, freePort } from "@assent/local-servers";
import type { Clock, Outage } from "assent/internal/ports";
import { defaultLimits, encodeOrigin } from "assent/internal/protocol";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { prepare, until } from "../test-kit/broker.ts";
import { recorder } from "../test-kit/endpoints.ts";
import { NatsUnavailable } from "./connection.ts";
import { NatsBus } from "./nats-bus.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-nats-"));
const waitMs = 20_000;
const secret = "s3cr/t@";
let guarded: ServerProcess;

before(async () => {
  const settings = [`authorization { user: "assent", password: "${secret}" }`];
  guarded = await startNats({ folder: join(folder, "guarded"), jetstream: false, settings });
});
after(async () => {
  await guarded.stop();
  rmSync(folder, { recursive: true, force: true });
});

const here = { clock: systemClock, random: systemRandom, schedule: nextTurn, delivery: "core", name: "test" } as const;

function isUnavailable(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NatsUnavailable);
    assert.equal(error.code, "nats_unavailable");
    assert.match(error.message, pattern);
    assert.ok(!String(error.stack).includes("s3cr"), "no secret");
    return true;
  };
}

const withPassword = (password: string): string =>
  `nats://assent:${encodeURIComponent(password)}@127.0.0.1:${guarded.port}`;

test("credentials in the address are used and not printed", async () => {
  const bus = await NatsBus.connect({ ...here, servers: [withPassword(secret)] });
  await bus.serveCommands("stock", recorder().endpoint);
  const answer = await bus.send({ service: "stock", partition: "0" }, prepare("order-0"), waitMs);
  assert.deepEqual(answer, { kind: "refused", reason: "order-0" });
  assert.equal(bus.status().server, `127.0.0.1:${guarded.port}`);
  assert.ok(!JSON.stringify(bus.status()).includes("s3cr"));
  await bus.close();
  assert.equal(bus.status().connected, false);
});

test("wrong credentials are reported at once", async () => {
  let waits = 0;
  const clock: Clock = {
    ...systemClock,
    after(delayMs, callback) {
      waits += 1;
      return systemClock.after(delayMs, callback);
    },
  };
  await assert.rejects(
    NatsBus.connect({ ...here, clock, servers: [withPassword(`${secret}wrong`)] }),
    isUnavailable(/Authorization Violation/i),
  );
  assert.equal(waits, 0, "there is no retry");
});

test("a log-in that the broker ended for being slow is retried", async () => {
  const token = "slow";
  const settings = [`authorization { token: "${token}", timeout: 1 }`];
  const server = await startNats({ folder: join(folder, "slow"), jetstream: false, password: token, settings });
  let connections = 0;
  // The first client is as silent as one on a machine that has stalled.
  const passage = createServer((client) => {
    connections += 1;
    const broker = connect(server.port, "127.0.0.1");
    for (const socket of [client, broker]) socket.on("error", () => undefined);
    broker.pipe(client);
    if (connections > 1) client.pipe(broker);
  });
  passage.listen(0, "127.0.0.1");
  await once(passage, "listening");
  const { port } = passage.address() as AddressInfo;
  const limits = { connectWaitMs: 60_000 };
  const bus = await NatsBus.connect({ ...here, limits, servers: [`nats://${token}@127.0.0.1:${port}`] });
  assert.ok(connections > 1);
  await bus.close();
  passage.close();
  await server.stop();
});

test("a missing broker is waited for, and then reported", async () => {
  const port = await freePort();
  const options = { ...here, servers: [`nats://assent:${encodeURIComponent(secret)}@127.0.0.1:${port}`] };
  const limits = { connectWaitMs: 500 };
  await assert.rejects(
    NatsBus.connect({ ...options, limits }),
    isUnavailable(new RegExp(`no broker at 127.0.0.1:${port}: .*Start it`)),
  );
  const late = NatsBus.connect({ ...here, servers: [`127.0.0.1:${port}`] });
  const server = await startNats({ folder: join(folder, "late"), jetstream: false, port });
  const bus = await late;
  assert.equal(bus.status().connected, true);
  await bus.close();
  await server.stop();
});

test("a broker with a too small message limit is refused", async () => {
  const server = await startNats({ folder: join(folder, "small"), jetstream: false, maxPayloadBytes: 65_536 });
  const connecting = NatsBus.connect({ ...here, servers: [`127.0.0.1:${server.port}`] });
  await assert.rejects(connecting, isUnavailable(/max_payload to 263168 or more/));
  await server.stop();
});

test("a broker that comes back with a too small message limit is an outage", async (context) => {
  const server = await startNats({ folder: join(folder, "shrunk"), jetstream: false, maxPayloadBytes: 1_048_576 });
  const failures: string[] = [];
  const onFailure = (_work: string, error: unknown): void => void failures.push(String(error));
  const bus = await NatsBus.connect({ ...here, servers: [`127.0.0.1:${server.port}`], onFailure });
  context.after(async () => {
    await bus.close();
    await server.stop();
  });
  await bus.serveCommands("stock", recorder().endpoint);
  const outage = (): Outage | undefined => bus.outage;
  assert.equal(outage(), undefined);
  const configured = join(server.folder, "nats.conf");
  const setPayload = (bytes: number): void =>
    writeFileSync(configured, readFileSync(configured, "utf8").replace(/max_payload: \d+/, `max_payload: ${bytes}`));
  const stock = { service: "stock", partition: "0" };
  const large = prepare("large", { payload: "x".repeat(60_000) });

  setPayload(4_096);
  await server.restart();
  await until(() => bus.status().connected && outage()?.code === "broker_unsuitable", "it is checked again");
  assert.match(outage()?.reason ?? "", /takes messages of 4096 bytes; set its max_payload to 263168 or more/);
  assert.equal(outage()?.to, undefined);
  assert.ok(failures.some((failure) => failure.includes("max_payload")));
  assert.equal(await bus.send(stock, large, waitMs), undefined, "at once: it was not sent");
  assert.deepEqual(await bus.send(stock, prepare("small"), waitMs), { kind: "refused", reason: "small" });

  setPayload(1_048_576);
  await server.restart();
  await until(() => outage()?.to !== undefined, "it is over");
  assert.deepEqual(await bus.send(stock, large, waitMs), { kind: "refused", reason: "large" });
});

test("the largest possible command fits into a message of the smallest accepted broker", async (context) => {
  const small = await startNats({ folder: join(folder, "smaller"), jetstream: false, maxPayloadBytes: 65_536 });
  const refused = NatsBus.connect({ ...here, servers: [`127.0.0.1:${small.port}`] });
  const refusal = await refused.then(() => "", String);
  await small.stop();
  const maxPayloadBytes = Number(/max_payload to (\d+)/.exec(refusal)?.[1]);
  const least = await startNats({ folder: join(folder, "least"), jetstream: false, maxPayloadBytes });
  const bus = await NatsBus.connect({ ...here, servers: [`127.0.0.1:${least.port}`] });
  context.after(async () => {
    await bus.close();
    await least.stop();
  });
  await bus.serveCommands("stock", recorder().endpoint);
  const { idLengthMax, payloadBytesMax } = defaultLimits;
  const id = "\u0001".repeat(idLengthMax);
  // Mostly quotes, each of which is two characters in the text of the origin.
  const input = Array.from({ length: Math.floor(payloadBytesMax / '"",'.length) }, () => "");
  const origin = { coordinator: id, key: id, definition: id, definitionHash: 1, input, deadlineAt: 1 };
  const largest = { branchId: id, payload: input, origin: encodeOrigin(origin) };
  const answer = await bus.send({ service: "stock", partition: "0" }, prepare("t", largest), 5_000);
  assert.deepEqual(answer, { kind: "refused", reason: "t" });
});

test("messages fit the broker's limit", async () => {
  const server = await startNats({ folder: join(folder, "usual"), jetstream: false });
  const bus = await NatsBus.connect({ ...here, servers: [`127.0.0.1:${server.port}`] });
  const service = recorder();
  await bus.serveCommands("stock", service.endpoint);
  const payload = "x".repeat(60_000);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      bus.send({ service: "stock", partition: "0" }, prepare(`order-${index}`, { payload }), waitMs),
    ),
  );
  assert.ok(answers.every((answer, index) => answer?.kind === "refused" && answer.reason === `order-${index}`));
  assert.equal(service.messages.length, 4, "3 MB in messages of less than 1 MiB");
  await bus.close();
  await server.stop();
});

test("an invalid address is reported without being printed", async () => {
  const connecting = NatsBus.connect({ ...here, servers: [`nats://assent:${secret}@`] });
  await assert.rejects(connecting, isUnavailable(/not host:port/));
});

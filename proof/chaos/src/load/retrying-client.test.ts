// The client with gateways that fail in the usual ways.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type RequestResult, RetryingClient } from "./retrying-client.ts";
import { History } from "./history.ts";
import { Pace } from "./pace.ts";

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

async function gateway(t: TestContext, answering: Answering): Promise<string> {
  const server = createServer(answering);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answer =
  (status: number, body: object = {}, headers: Record<string, string> = {}): Answering =>
  (_, response) => {
    const text = JSON.stringify(body);
    response.writeHead(status, { "Content-Length": text.length, ...headers }).end(text);
  };

interface Asked {
  readonly last: RequestResult;
  readonly history: History;
  /** Gateway and status of each attempt. */
  readonly attempts: readonly (readonly [gateway: number, status: number])[];
}

interface AskOptions {
  readonly isStopping?: () => boolean;
  readonly patienceMs?: number;
  readonly answerMs?: number;
}

async function ask(
  urls: readonly string[],
  { isStopping = () => false, patienceMs = 60_000, answerMs = 30_000 }: AskOptions = {},
): Promise<Asked> {
  const history = new History();
  const options = { urls, first: 0, history, pace: new Pace(undefined), isStopping, patienceMs, answerMs };
  const client = new RetryingClient(options);
  const request = { kind: "pay", method: "POST", path: "/payment/pay/user/1", subject: "user", key: "key-1" } as const;
  const last = await client.ask(request);
  client.close();
  const attempts = [...history.attempts()].map(({ gateway: index, status }) => [index, status] as const);
  return { last, history, attempts };
}

test("after a refused connection the client uses the next gateway", async (t) => {
  const good = await gateway(t, answer(200));
  const { last, attempts } = await ask(["http://127.0.0.1:1", good]);
  assert.deepEqual(
    [last.verdict, attempts],
    [
      "done",
      [
        [0, 0],
        [1, 200],
      ],
    ],
  );
});

test("if a gateway hangs up or never answers, the client uses the next one with the same key", async (t) => {
  const keys: unknown[] = [];
  const silent = await gateway(t, (request) => void keys.push(request.headers["idempotency-key"]));
  const rude = await gateway(t, (request) => {
    keys.push(request.headers["idempotency-key"]);
    request.socket.destroy();
  });
  const good = await gateway(t, (request, response) => {
    keys.push(request.headers["idempotency-key"]);
    answer(200)(request, response);
  });
  const { last, attempts, history } = await ask([silent, rude, good], { answerMs: 2_000 });
  assert.deepEqual(
    [last.verdict, attempts],
    [
      "done",
      [
        [0, 0],
        [1, 0],
        [2, 200],
      ],
    ],
  );
  assert.deepEqual(keys, ["key-1", "key-1", "key-1"]);
  assert.equal(history.figures().requests.total, 1);
  assert.equal(history.figures().requests.repeated, 1);
});

test("a request with an unclear answer is repeated after Retry-After", async (t) => {
  const answers = [
    answer(503, {}, { "Retry-After": "0", Connection: "close" }),
    answer(409, { code: "checkout_pending" }, { "Retry-After": "1" }),
    answer(400, { code: "gateway_error" }, { "Retry-After": "0" }),
    answer(400, { code: "insufficient_credit" }),
  ];
  const url = await gateway(t, (request, response) => answers.shift()?.(request, response));
  const startedAt = performance.now();
  const { last, attempts } = await ask([url]);
  assert.ok(performance.now() - startedAt >= 990, "Retry-After is respected");
  assert.deepEqual([last.verdict, last.code], ["refused", "insufficient_credit"]);
  assert.deepEqual(attempts, [
    [0, 503],
    [0, 409],
    [0, 400],
    [0, 400],
  ]);
});

test("a connection with `Connection: close` is not used again, even if it is still open", async (t) => {
  const server = createTcpServer((socket) => {
    socket.once("data", () => {
      const status = connections === 1 ? "503 Service Unavailable" : "200 OK";
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nRetry-After: 0\r\nConnection: close\r\n\r\n`);
    });
  });
  let connections = 0;
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { attempts } = await ask([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
  assert.deepEqual(attempts, [
    [0, 503],
    [0, 200],
  ]);
});

test("a request is given up when its time limit is over, or the load ends", async (t) => {
  const url = await gateway(t, answer(409, { code: "checkout_pending" }, { "Retry-After": "0" }));
  let impatient = await ask([url], { patienceMs: 0 });
  assert.deepEqual([impatient.last.verdict, impatient.attempts.length], ["unclear", 1]);
  // Longer on a slow machine.
  for (let patienceMs = 50; impatient.attempts.length === 1 && patienceMs < 60_000; patienceMs *= 2) {
    impatient = await ask([url], { patienceMs });
    assert.equal(impatient.last.verdict, "unclear");
  }
  assert.ok(impatient.attempts.length > 1);
  const stopped = await ask([url], { isStopping: () => true });
  assert.deepEqual([stopped.last.verdict, stopped.attempts.length], ["unclear", 1]);
});

test("a pace limits the rate of all callers together", async () => {
  const pace = new Pace(200);
  const startedAt = performance.now();
  const turns = Promise.all(Array.from({ length: 21 }, () => pace.turn())).then(() => "turns");
  // Timers of one process fire in order, even if it has stalled.
  assert.equal(await Promise.race([turns, pause(1_000).then(() => "too slow")]), "turns");
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 95, `20 turns after the first took ${tookMs} ms`);
});

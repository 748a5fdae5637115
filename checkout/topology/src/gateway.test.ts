// The gateway in front of real HTTP servers that answer, refuse, or hang up.
import { isAmbiguousPath } from "@assent/contract";
import { ServerNotStarted, type ServerProcess, serverBinary } from "@assent/local-servers";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startGateway } from "./gateway.ts";
import { temporaryFolder } from "./served-checkout.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A healthy instance that answers other requests as configured. */
class Instance {
  readonly seen: string[] = [];
  checks = 0;
  answer: Handler = (_request, response) => response.end("fine");
  /** It refuses requests for another system. */
  system = "shop-a";
  refusals = 0;
  health: "healthy" | "unavailable" | "writes_refused" = "healthy";
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      if (request.headers["assent-system"] !== this.system) {
        this.refusals += 1;
        response.statusCode = 421;
        response.end(JSON.stringify({ code: "misdirected_request" }));
        return;
      }
      if (request.url?.endsWith("/health") === true) {
        this.checks += 1;
        response.statusCode = this.health === "healthy" ? 200 : 503;
        response.end(JSON.stringify(this.health === "healthy" ? { status: "healthy" } : { code: this.health }));
        return;
      }
      this.seen.push(`${request.method} ${request.url}`);
      this.answer(request, response);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const hangUp: Handler = (request) => request.socket.destroy();

const folder = temporaryFolder();
const orders = [new Instance(), new Instance()];
const stock = new Instance();
const payment = new Instance();
const all = [...orders, stock, payment];
let gateway: ServerProcess | undefined;

before(async () => {
  const ports = await Promise.all(all.map((instance) => instance.listen()));
  gateway = await startGateway({
    folder: folder.path,
    system: "shop-a",
    targets: { order: ports.slice(0, 2), stock: ports.slice(2, 3), payment: ports.slice(3) },
  });
  await until(async () => (await call("GET", "/health")).status === 200);
});

after(async () => {
  for (const instance of all) instance.close();
  await gateway?.stop();
  folder.remove();
});

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

/** Uses a new connection, unless an agent keeps one. */
function call(method: string, path: string, agent: Agent | false = false): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: gateway?.port, host: "127.0.0.1", method, path, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** Sends the head of a request and, once a service has it, an invalid body; resolves with everything received. */
async function callWithBrokenBody(path: string, hasArrived: () => boolean): Promise<HttpAnswer> {
  const socket = connect(gateway?.port ?? 0, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => (received += chunk));
  socket.write(`POST ${path} HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n`);
  await until(async () => hasArrived());
  socket.write("this is no chunk\r\n");
  await until(async () => socket.closed);
  const [head = "", text = ""] = received.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), text, headers: {} };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, "timed out");
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** Resolves when the gateway considers all healthy: it may have missed them while this machine stalled. */
async function reset(): Promise<void> {
  await until(async () => (await call("GET", "/health")).status === 200);
  forget();
}

function forget(): void {
  for (const instance of all) {
    instance.seen.length = 0;
    instance.answer = (_request, response) => response.end("fine");
  }
}

const codeOf = ({ text }: HttpAnswer): unknown => (JSON.parse(text) as Record<string, unknown>)["code"];
const seenByOrders = (): string[] => orders.flatMap(({ seen }) => seen);

test("haproxy's own check accepts its configuration", async () => {
  const checked = spawnSync(await serverBinary("haproxy"), ["-c", "-f", join(folder.path, "haproxy.cfg")]);
  assert.equal(checked.status, 0, String(checked.stderr));
  assert.doesNotMatch(String(checked.stderr), /warning/i);
});

test("requests go unchanged to the service named by their path", async () => {
  await reset();
  await call("GET", "/orders/find/7?x=1");
  await call("POST", "/stock/add/1/2");
  await call("POST", "/payment/pay/1/2");
  assert.deepEqual(
    [seenByOrders(), stock.seen, payment.seen],
    [["GET /orders/find/7?x=1"], ["POST /stock/add/1/2"], ["POST /payment/pay/1/2"]],
  );
  const nowhere = await call("GET", "/elsewhere");
  assert.deepEqual([nowhere.status, codeOf(nowhere)], [404, "not_found"]);
  assert.match(nowhere.headers["content-type"] ?? "", /json/);
});

test("a checkout whose instance hangs up is retried on another one", async () => {
  await reset();
  for (const hanging of orders) {
    hanging.answer = hangUp;
    for (let times = 0; times < 4; times += 1) assert.equal((await call("POST", "/orders/checkout/1")).text, "fine");
    hanging.answer = (_request, response) => response.end("fine");
  }
  assert.ok(seenByOrders().length > 8);
});

test("an unanswered checkout is pending, in JSON, and never a 5xx", async () => {
  await reset();
  for (const instance of orders) instance.answer = hangUp;
  // The services decode a path before they match it: the second one is a checkout as well.
  for (const path of ["/orders/checkout/1", "/orders/%63heckout/1"]) {
    const answer = await call("POST", path);
    assert.deepEqual([answer.status, codeOf(answer), answer.headers["retry-after"]], [409, "checkout_pending", "1"]);
  }
});

test("an ambiguous path is refused by the gateway as by the services", async () => {
  await reset();
  const paths = [
    "/orders/checkout/%2e%2e/addItem/O/I/1",
    "/orders/checkout/%2E%2E/addItem/O/I/1",
    "/orders/checkout/.%2e/x/1",
    "/orders/checkout/../addItem/O/I/1",
    "/orders/./checkout/1",
    "/orders/checkout/..",
    "/orders/..",
    "/./orders/x",
    "/orders%2fcheckout/1",
    "/orders/checkout%2F1",
    "/orders/checkout/1%5c2",
    "/orders/checkout\\1",
    "/orders/%252e%252e/x",
    "/orders/%2563heckout/1",
    "/stock/../orders/checkout/1",
  ];
  for (const path of paths) {
    const answer = await call("POST", path);
    assert.deepEqual([answer.status, codeOf(answer)], [400, "invalid_input"], path);
    assert.ok(isAmbiguousPath(path), path);
  }
  for (const path of [
    "/orders/find/a..b",
    "/orders/find/.a",
    "/orders/find/a.",
    "/orders/find/...",
    "/orders/find/%63",
  ]) {
    assert.equal((await call("GET", path)).text, "fine", path);
    assert.ok(!isAmbiguousPath(path), path);
  }
  assert.equal((await call("GET", "/orders/find/1?x=../%2e%2f")).text, "fine", "a query is not a path");
});

test("only a checkout is sent twice: other requests get an answer that the effect is unknown", async () => {
  await reset();
  payment.answer = hangUp;
  const paid = await call("POST", "/payment/pay/1/5");
  assert.deepEqual([paid.status, codeOf(paid)], [400, "gateway_error"]);
  assert.deepEqual(payment.seen, ["POST /payment/pay/1/5"]);
  for (const instance of orders) instance.answer = hangUp;
  const created = await call("POST", "/orders/create/1");
  assert.deepEqual([created.status, codeOf(created)], [400, "gateway_error"]);
  assert.deepEqual(seenByOrders(), ["POST /orders/create/1"]);
});

test("on a reused connection, a service that hangs up closes it: no answer, and nothing is sent twice", async () => {
  await reset();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await call("GET", "/payment/find_user/1", agent)).status, 200);
  payment.answer = hangUp;
  await assert.rejects(call("POST", "/payment/pay/1/5", agent), { code: "ECONNRESET" });
  assert.deepEqual(payment.seen.slice(1), ["POST /payment/pay/1/5"]);
  agent.destroy();
});

test("a request that breaks off at a service has an unknown effect, and a checkout is pending (C5, S5)", async () => {
  await reset();
  for (const instance of all) instance.answer = () => undefined;
  const checkout = await callWithBrokenBody("/orders/checkout/1", () => seenByOrders().length === 1);
  assert.deepEqual([checkout.status, codeOf(checkout)], [409, "checkout_pending"]);
  const paid = await callWithBrokenBody("/payment/pay/1/5", () => payment.seen.length === 1);
  assert.deepEqual([paid.status, codeOf(paid)], [400, "gateway_error"]);
});

test("an answer of a service passes unchanged with any status", async () => {
  await reset();
  for (const instance of orders) {
    instance.answer = (_request, response) => {
      response.writeHead(409, { "Retry-After": "7" });
      response.end("wait");
    };
  }
  const { status, text, headers } = await call("POST", "/orders/checkout/1");
  assert.deepEqual([status, text, headers["retry-after"]], [409, "wait", "7"]);
});

test("an unhealthy instance gets no requests; a service without a healthy one makes the system unhealthy", async () => {
  await reset();
  const [sick, well] = orders;
  assert.ok(sick !== undefined && well !== undefined);
  sick.health = "writes_refused";
  const checksUntilOut = sick.checks + 4;
  await until(async () => sick.checks >= checksUntilOut);
  for (let times = 0; times < 6; times += 1) await call("GET", "/orders/find/1");
  assert.ok(sick.seen.length > 0, "an instance that refuses writes still answers");
  sick.health = "unavailable";
  await until(async () => {
    forget();
    for (let times = 0; times < 6; times += 1) await call("GET", "/orders/find/1");
    return sick.seen.length === 0 && well.seen.length === 6;
  });
  well.health = "unavailable";
  await until(async () => (await call("GET", "/health")).status === 503);
  const refused = await call("POST", "/orders/checkout/1");
  assert.deepEqual([refused.status, codeOf(refused)], [409, "checkout_pending"]);
  const other = await call("GET", "/orders/find/1");
  assert.deepEqual([other.status, codeOf(other)], [400, "gateway_error"]);
  sick.health = "healthy";
  well.health = "healthy";
  await until(async () => (await call("GET", "/health")).status === 200);
});

test("a process of another system on the port of an instance gets no requests", async () => {
  await reset();
  const [other, own] = orders;
  assert.ok(other !== undefined && own !== undefined);
  other.system = "shop-b";
  const refusals = other.refusals;
  await until(async () => {
    forget();
    for (let times = 0; times < 6; times += 1) await call("GET", "/orders/find/1");
    return own.seen.length === 6;
  });
  assert.ok(other.refusals > refusals, "its checks are refused");
  assert.deepEqual(other.seen, [], "and so are requests sent before the gateway noticed");
  const url = `http://127.0.0.1:${gateway?.port}/orders/find/1`;
  const { status } = await fetch(url, { headers: { "Assent-System": "shop-b" } });
  assert.equal(status, 200, "a client cannot choose the system");
  other.system = "shop-a";
  await until(async () => {
    forget();
    for (let times = 0; times < 6; times += 1) await call("GET", "/orders/find/1");
    return other.seen.length > 0;
  });
});

test("a gateway on the port of another one is not taken for it", async () => {
  const port = gateway?.port ?? 0;
  const targets = { order: [], stock: [], payment: [] };
  const second = startGateway({ folder: join(folder.path, "second"), system: "shop-b", targets, port });
  await assert.rejects(second, (error: unknown) => error instanceof ServerNotStarted && error.isPortTaken);
});

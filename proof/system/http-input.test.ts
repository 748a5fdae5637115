// Input that is not a request of the contract: refused in the contract's format, with nothing changed.
import { serveCheckout, type ServedCheckout, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";

const folder = temporaryFolder();
let served: ServedCheckout;

before(async () => {
  served = await serveCheckout({ dataFolder: folder.path });
});

after(async () => {
  await served.stop();
  folder.remove();
});

interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends exactly these bytes and resolves with everything received until the other side closed. */
async function send(bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (chunk: unknown) => (answer += String(chunk)));
  await new Promise((resolve, reject) => {
    socket.on("close", resolve);
    socket.on("error", reject);
    socket.write(Buffer.from(bytes, "utf8"));
  });
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head, body };
}

const request = (line: string, headers = ""): Promise<RawAnswer> =>
  send(`${line} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`);

async function assertMalformed(answer: Promise<RawAnswer>, status: number, code = "malformed_request"): Promise<void> {
  const { status: received, head, body } = await answer;
  assert.equal(received, status, head);
  assert.match(head, /content-type: application\/json/i);
  const problem = JSON.parse(body) as Record<string, string>;
  assert.equal(problem["code"], code);
  assert.match(problem["error"] ?? "", /\w/);
}

test("bytes that are not an HTTP request are answered in JSON: 400, or 431 if the headers are too long", async () => {
  await assertMalformed(request("GET /stock/find/é"), 400);
  await assertMalformed(request("POST /orders/create/٣"), 400);
  await assertMalformed(request("POST /payment/pay/1/ 5"), 400);
  await assertMalformed(request("NOSUCHMETHOD /health"), 400);
  await assertMalformed(request("POST /payment/pay/1/5", "Content-Length: many\r\n"), 400);
  await assertMalformed(send("hello\r\n\r\n"), 400);
  await assertMalformed(request("GET /health", `X-Long: ${"x".repeat(20_000)}\r\n`), 431, "headers_too_large");
  await assertMalformed(request(`GET /stock/find/${"1".repeat(20_000)}`), 431, "headers_too_large");
});

test("a target or a host that is not a valid URL is 400 in JSON", async () => {
  await assertMalformed(request("OPTIONS *"), 400);
  await assertMalformed(request("GET /\\elsewhere"), 400, "invalid_input");
  await assertMalformed(send("POST /orders/checkout/1 HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"), 400);
});

test("a refusal on one connection does not affect others", async () => {
  await Promise.all(Array.from({ length: 20 }, () => assertMalformed(send("hello\r\n\r\n"), 400)));
  assert.equal((await request("GET /health")).status, 200);
});

test("a request without a host is answered in HTTP/1.0, where it is optional, and is 400 in HTTP/1.1", async () => {
  const old = await send("GET /health HTTP/1.0\r\n\r\n");
  assert.deepEqual([old.status, old.body], [200, '{"status":"healthy"}']);
  await assertMalformed(send("POST /payment/create_user HTTP/1.1\r\nConnection: close\r\n\r\n"), 400);
});

test("unsupported features are refused in JSON: a tunnel is 405, an expectation 417", async () => {
  const tunnel = await send("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n");
  assert.deepEqual([tunnel.status, (JSON.parse(tunnel.body) as { code: string }).code], [405, "method_not_allowed"]);
  assert.match(tunnel.head, /^allow: GET, HEAD, POST$/im);
  assert.match(tunnel.head, /^content-type: application\/json$/im);
  await assertMalformed(request("POST /payment/create_user", "Expect: a-miracle\r\n"), 417, "expectation_failed");
});

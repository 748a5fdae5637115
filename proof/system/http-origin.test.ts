// Requests that a web page can make a browser send to a server on its user's machine are refused, and no others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange, get, post, type RawAnswer } from "./raw-connection.ts";
import { servedShop } from "./served-shop.ts";

const served = servedShop({ faults: true });

async function ask(request: string): Promise<{ readonly status: number; readonly code: unknown }> {
  const [answer]: readonly RawAnswer[] = await exchange(served.url, request);
  const { status = 0, body = "" } = answer ?? {};
  return { status, code: body.startsWith("{") ? (JSON.parse(body) as Record<string, unknown>)["code"] : undefined };
}

const under = (host: string, request: string): string => request.replace("Host: localhost", `Host: ${host}`);
/** A request that would change a user's credit. */
const give = (headers = "", host = "localhost:8000"): string => under(host, post("/payment/add_funds/0/1", headers));

async function credit(): Promise<unknown> {
  return ((await (await fetch(`${served.url}/payment/find_user/0`)).json()) as { credit: unknown }).credit;
}

async function giveFive(): Promise<void> {
  assert.equal((await fetch(`${served.url}/payment/batch_init/1/5`, { method: "POST" })).status, 200);
}

test("under a foreign host name nothing is answered: any name on the web can resolve to this machine", async () => {
  await giveFive();
  const others = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "192.168.0.1",
  ];
  for (const host of [
    ...others,
    "128.0.0.1",
    "[::2]:8000",
    "1127.0.0.1",
    "localhost:8000:1",
    "localhost@evil.example",
  ]) {
    for (const request of [give("", host), under(host, get("/health"))]) {
      const { status, code } = await ask(request);
      assert.ok(status === 421 ? code === "misdirected_request" : status === 400 && code === "malformed_request", host);
    }
  }
  const absolute = give().replace("POST /", "POST http://evil.example/");
  assert.deepEqual(await ask(absolute), { status: 421, code: "misdirected_request" });
  const [several, none] = [give("Host: localhost\r\n"), give().replace("Host: localhost:8000\r\n", "")];
  for (const request of [several, none]) assert.equal((await ask(request)).status, 400);
  assert.equal(await credit(), 5);
});

test("every name of this machine is answered, with any port", async () => {
  await giveFive();
  for (const host of [
    "localhost",
    "LOCALHOST:1",
    "127.0.0.1",
    "127.0.0.1:65535",
    "127.8.9.10:80",
    "[::1]",
    "[::1]:8000",
  ]) {
    assert.equal((await ask(give("", host))).status, 200, host);
  }
  const absolute = give("", "evil.example").replace("POST /", "POST http://localhost:8000/");
  assert.equal((await ask(absolute)).status, 200);
});

test("requests of a page of another site are refused, whatever they ask for", async () => {
  const refused = { status: 403, code: "cross_site_request" };
  await giveFive();
  const origins = [
    "https://evil.example",
    "null",
    "http://localhost:8001",
    "http://127.0.0.1:8000",
    "http://localhost",
  ];
  for (const origin of [...origins, "http://localhost:8000.evil.example", "ftp://localhost:8000"]) {
    assert.deepEqual(await ask(give(`Origin: ${origin}\r\n`)), refused, origin);
    assert.deepEqual(await ask(under("localhost:8000", get("/health", `Origin: ${origin}\r\n`))), refused, origin);
  }
  for (const site of ["cross-site", "same-site", "anything"]) {
    const headers = `Sec-Fetch-Site: ${site}\r\n`;
    for (const request of [give(headers), post("/stock/fault/clear", headers), get("/stock/fault/rules", headers)]) {
      assert.deepEqual(await ask(request), refused, `${site} ${request}`);
    }
    assert.equal((await ask(get("/health", headers))).status, 200, "a link may be followed");
  }
  assert.equal(await credit(), 5);
});

test("pages of this server, and clients other than browsers, are served", async () => {
  await giveFive();
  for (const headers of [
    "",
    "Origin: http://localhost:8000\r\n",
    "Origin: http://LOCALHOST:8000\r\nSec-Fetch-Site: same-origin\r\n",
    "Sec-Fetch-Site: none\r\n",
    "Sec-Fetch-Site: same-origin\r\n",
  ]) {
    assert.equal((await ask(give(headers))).status, 200, headers);
  }
});

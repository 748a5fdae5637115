// The handler before requests that anybody on the network may send.
import { decoded, decodeCommands, encodeAnswers, encodeCommands, type Question } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HttpHandler } from "./http-handler.ts";
import { sealOf, signatureAgeMaxMs, type Subject } from "./seal.ts";

const secret = "0123456789abcdef0123456789abcdef";
const now = 1_700_000_000_000;
const toStock: Subject = { kind: "commands", name: "stock" };
const message = encodeCommands([
  { txId: "t:1:1", branchId: "b/0", verb: "forget", protocol: "2pc", epoch: 1, begunAt: now },
]);

function handlerOf(credentials: ConstructorParameters<typeof HttpHandler>[0]["credentials"] = { secret }) {
  const received: string[] = [];
  const failures: string[] = [];
  const handler = new HttpHandler({ credentials, now: () => now });
  const failed = (work: string): void => void failures.push(work);
  handler.serveCommands(
    "stock",
    async (bytes) => {
      received.push(
        ...decodeCommands(bytes)
          .map(decoded)
          .map(({ txId }) => txId),
      );
      return encodeAnswers([{ kind: "forgotten" }]);
    },
    failed,
  );
  return { handler, received, failures, failed };
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

async function answered(handler: HttpHandler, sent: Sent = {}): Promise<readonly [number, string | undefined]> {
  const { path = "/any/where/commands/stock", method = "POST", body = message } = sent;
  const headers = sent.headers ?? (await sealOf({ secret }).request(toStock, body, now));
  const init = method === "POST" ? { body: Uint8Array.from(body) } : {};
  const response = await handler.fetch(new Request(`http://x${path}`, { method, headers, ...init }));
  const { code } = (await response.json()) as { code?: string };
  return [response.status, code];
}

test("a message is handled once it proves that it is of this system, and for this service", async () => {
  const { handler, received } = handlerOf();
  const seal = sealOf({ secret });
  const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "no signature": {},
    "the signature of another secret": await sealOf({ secret: secret.toUpperCase() }).request(toStock, message, now),
    "the signature of another body": await seal.request(toStock, encodeCommands([]), now),
    "the signature for another service": await seal.request({ kind: "commands", name: "other" }, message, now),
    "the signature for another kind": await seal.request({ kind: "questions", name: "stock" }, message, now),
    "an old signature": await seal.request(toStock, message, now - signatureAgeMaxMs - 1),
    "a signature of the future": await seal.request(toStock, message, now + signatureAgeMaxMs + 1),
    "a broken signature": { "assent-signature": `t=${now},s=00` },
    "the bearer token of the secret": { authorization: `Bearer ${secret}` },
  };
  for (const [name, headers] of Object.entries(wrong)) {
    assert.deepEqual(await answered(handler, { headers }), [401, "unauthorized"], name);
  }
  assert.deepEqual(received, []);
  for (const time of [now, now - signatureAgeMaxMs, now + signatureAgeMaxMs]) {
    const headers = await seal.request(toStock, message, time);
    assert.deepEqual(await answered(handler, { headers }), [200, undefined]);
  }
  assert.equal(received.length, 3);
});

test("a bearer token must be the whole token", async () => {
  const { handler, received } = handlerOf({ bearer: secret });
  for (const authorization of ["", secret, `Bearer ${secret}0`, `Bearer ${secret.slice(1)}`, `bearer ${secret}`]) {
    assert.deepEqual(await answered(handler, { headers: { authorization } }), [401, "unauthorized"], authorization);
  }
  assert.deepEqual(received, []);
  assert.deepEqual(await answered(handler, { headers: { authorization: `Bearer ${secret}` } }), [200, undefined]);
});

test("a token or a secret that can be guessed is refused when it is set", () => {
  for (const credentials of [{ secret: "" }, { secret: secret.slice(1) }, { bearer: "password" }]) {
    assert.throws(() => handlerOf(credentials), /at least 32 characters/);
  }
});

test("what is no message to a service here has a clear answer", async () => {
  const { handler, received } = handlerOf();
  assert.deepEqual(await answered(handler, { path: "/commands/other" }), [404, "not_found"]);
  assert.deepEqual(await answered(handler, { path: "/commands/%E0%A4%A" }), [404, "not_found"]);
  assert.deepEqual(await answered(handler, { path: "/questions/stock" }), [404, "not_found"]);
  assert.deepEqual(await answered(handler, { method: "GET" }), [405, "method_not_allowed"]);
  const garbage = new TextEncoder().encode("{");
  const large = new Uint8Array(8_388_609);
  assert.deepEqual(await answered(handler, { body: garbage }), [400, "undecodable_message"]);
  assert.deepEqual(await answered(handler, { body: large }), [413, "body_too_large"]);
  assert.deepEqual(received, []);
});

test("an endpoint that fails is reported, and its message is answered as not handled", async () => {
  const { handler, failures, failed } = handlerOf();
  handler.serveCommands("stock", () => Promise.reject(new Error("no database")), failed);
  assert.deepEqual(await answered(handler), [500, "internal_error"]);
  assert.deepEqual(failures, ["handle commands to stock"]);
});

test("messages beyond the limit are refused, and taken again when others have been handled", async () => {
  const { handler, failed } = handlerOf();
  let release: () => void = () => undefined;
  let entered = 0;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  handler.serveCommands(
    "stock",
    async () => {
      entered += 1;
      await gate;
      return encodeAnswers([{ kind: "forgotten" }]);
    },
    failed,
  );
  const waiting = Array.from({ length: 256 }, () => answered(handler));
  while (entered < 256) await new Promise(setImmediate);
  assert.deepEqual(await answered(handler), [503, "overloaded"]);
  release();
  assert.deepEqual(new Set((await Promise.all(waiting)).map(([status]) => status)), new Set([200]));
  assert.deepEqual(await answered(handler), [200, undefined]);
});

test("R6 one question that fails is answered `wait`, and the others are answered", async () => {
  const { handler, failures, failed } = handlerOf({ bearer: secret });
  handler.serveQuestions(
    "trips",
    async ({ txId }: Question) => {
      if (txId === "b:1:1") throw new Error("no log");
      return { kind: "decided", decision: "commit", epoch: 1, ended: false };
    },
    failed,
  );
  const question = { branchId: "b/0", protocol: "2pc", epoch: 1, begunAt: now, origin: "" };
  const body = JSON.stringify({
    v: 1,
    questions: [
      { txId: "a:1:1", ...question },
      { txId: "b:1:1", ...question },
    ],
  });
  const headers = { authorization: `Bearer ${secret}` };
  const response = await handler.fetch(new Request("http://x/questions/trips", { method: "POST", headers, body }));
  const { questionAnswers } = (await response.json()) as { questionAnswers: readonly { kind: string }[] };
  assert.deepEqual(
    questionAnswers.map(({ kind }) => kind),
    ["decided", "wait"],
  );
  assert.deepEqual(failures, ["answer a question to trips"]);
});

test("the page about the wire shows the signatures that are made", async () => {
  const page = readFileSync(new URL("../../../../docs/reference/http-wire.md", import.meta.url), "utf8");
  const body = /^\{"v":1,"commands".*$/m.exec(page)?.[0] ?? "";
  const reply = /`(\{"v":1,"answers".*?\})`/.exec(page)?.[1] ?? "";
  assert.ok(page.includes(`\`${secret}\``));
  const seal = sealOf({ secret });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const request = await seal.request({ kind: "commands", name: "flights" }, bytes(body), now);
  const answer = await seal.reply(new Headers(request), bytes(reply));
  for (const { "assent-signature": shown = "" } of [request, answer]) assert.ok(page.includes(`\n${shown}\n`), shown);
});

test("a service that is served twice is served by the first again when the second stops", async () => {
  const { handler, received, failed } = handlerOf();
  const stop = handler.serveCommands("stock", () => Promise.resolve(encodeAnswers([{ kind: "forgotten" }])), failed);
  assert.deepEqual(await answered(handler), [200, undefined]);
  assert.deepEqual(received, []);
  stop();
  assert.deepEqual(await answered(handler), [200, undefined]);
  assert.equal(received.length, 1);
  assert.throws(() => handler.serveCommands("..", () => Promise.resolve(undefined), failed), RangeError);
});

test("a sender that proves nothing is refused before its body is read", async () => {
  const { handler } = handlerOf();
  let pulled = 0;
  const body = new ReadableStream(
    {
      pull() {
        pulled += 1;
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", body, duplex: "half" } as const;
  assert.equal((await handler.fetch(new Request("http://x/commands/stock", init))).status, 401);
  assert.equal(pulled, 0);
});

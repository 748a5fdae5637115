// The transport before servers that answer wrongly, slowly, or not at all.
import { TestClock } from "@assent/conformance";
import { encodeAnswers, type Answer, type Command } from "../protocol/index.ts";
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { HttpTransport } from "./http-transport.ts";
import { sealOf } from "./seal.ts";

const secret = "0123456789abcdef0123456789abcdef";
const command: Command = {
  txId: "t:1:1",
  branchId: "b/0",
  verb: "forget",
  protocol: "2pc",
  epoch: 1,
  begunAt: 1,
};

async function sentTo(listener: RequestListener): Promise<{ answer: Answer | undefined; failures: string[] }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const failures: string[] = [];
  const transport = new HttpTransport({
    urls: { stock: url },
    credentials: { secret },
    clock: new TestClock(),
    schedule: setImmediate,
    onFailure: (_work, error) => failures.push(String(error)),
  });
  const answer = await transport.send({ service: "stock", partition: "0" }, command, 60_000);
  server.closeAllConnections();
  server.close();
  return { answer, failures };
}

const forgotten = encodeAnswers([{ kind: "forgotten" }]);

const wrong: Readonly<Record<string, { listener: RequestListener; reported: RegExp }>> = {
  "an error": {
    listener: (_request, response) => response.writeHead(503).end('{"code":"overloaded"}'),
    reported: /status 503: \{"code":"overloaded"\}/,
  },
  "a redirect": {
    listener: (_request, response) => response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
    reported: /redirect/,
  },
  "an answer without a signature": {
    listener: (_request, response) => response.end(forgotten),
    reported: /signature of the reply is not valid/,
  },
  "an answer to another request": {
    listener(_request, response) {
      const headers = new Headers({ "assent-signature": "t=1,s=0" });
      void sealOf({ secret })
        .reply(headers, forgotten)
        .then((sealed) => response.writeHead(200, sealed).end(forgotten));
    },
    reported: /signature of the reply is not valid/,
  },
  "a connection that breaks": {
    listener: (request) => request.socket.destroy(),
    reported: /did not answer/,
  },
};

for (const [name, { listener, reported }] of Object.entries(wrong)) {
  test(`${name} is no answer, is reported, and is not waited for`, async () => {
    const { answer, failures } = await sentTo(listener);
    assert.equal(answer, undefined);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? "", reported);
  });
}

test("a service without a URL is reported by its name", async () => {
  const failures: string[] = [];
  const clock = new TestClock();
  const options = { urls: {}, credentials: { secret }, clock, schedule: setImmediate };
  const transport = new HttpTransport({ ...options, onFailure: (_work, error) => failures.push(String(error)) });
  assert.equal(await transport.send({ service: "stock", partition: "0" }, command, 60_000), undefined);
  assert.match(failures.join(), /stock did not answer: it has no URL/);
  assert.throws(() => new HttpTransport({ ...options, urls: { stock: "no url" } }), TypeError);
});

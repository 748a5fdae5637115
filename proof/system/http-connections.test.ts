// Several requests on one connection, connections that end early, and broken bodies: executed requests are answered in
// order, and requests that are not answered were not executed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange, get, post, type RawAnswer, RawConnection } from "./raw-connection.ts";
import { servedShop } from "./served-shop.ts";

const served = servedShop();

const ask = async (request: string): Promise<RawAnswer> => {
  const [answer] = await exchange(served.url, request);
  assert.ok(answer !== undefined);
  return answer;
};

const created = async (path: string): Promise<string> => {
  const { status, body } = await ask(post(path));
  assert.equal(status, 200, body);
  return Object.values(JSON.parse(body) as Record<string, string>)[0] ?? "";
};

const creditOf = async (user: string): Promise<number> =>
  (JSON.parse((await ask(get(`/payment/find_user/${user}`))).body) as { credit: number }).credit;

async function userWith(credit: number): Promise<string> {
  const user = await created("/payment/create_user");
  assert.equal((await ask(post(`/payment/add_funds/${user}/${credit}`))).status, 200);
  return user;
}

const statuses = (answers: readonly RawAnswer[]): number[] => answers.map(({ status }) => status);
const codeOf = (answer: RawAnswer | undefined): unknown =>
  (JSON.parse(answer?.body ?? "{}") as Record<string, unknown>)["code"];

/** The responses to this many payments of 1, from an initial credit. */
const paidDown = (user: string, from: number, times: number): string[] =>
  Array.from({ length: times }, (_, index) => `User: ${user} credit updated to: ${from - index - 1}`);

test("requests followed by garbage are all answered, in order, and then the garbage is refused", async () => {
  const user = await userWith(50);
  const answers = await exchange(served.url, post(`/payment/pay/${user}/1`).repeat(10) + "this is no HTTP\r\n\r\n");
  assert.deepEqual(statuses(answers), [...Array.from({ length: 10 }, () => 200), 400]);
  assert.deepEqual(
    answers.slice(0, 10).map(({ body }) => body),
    paidDown(user, 50, 10),
  );
  assert.equal(codeOf(answers[10]), "malformed_request");
  assert.equal(await creditOf(user), 40);
});

test("a tunnel requested after other requests is refused after their answers", async () => {
  const user = await userWith(5);
  const tunnel = "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n";
  const answers = await exchange(served.url, post(`/payment/pay/${user}/1`).repeat(2) + tunnel);
  assert.deepEqual(statuses(answers), [200, 200, 405]);
  assert.equal(answers[2]?.headers["allow"], "GET, HEAD, POST");
});

test("a client that ends its side after one or several requests gets every answer", async () => {
  const user = await userWith(50);
  assert.deepEqual(statuses(await exchange(served.url, post(`/payment/pay/${user}/1`))), [200]);
  const several = await exchange(served.url, post(`/payment/pay/${user}/1`).repeat(5));
  assert.deepEqual(statuses(several), [200, 200, 200, 200, 200]);
  assert.equal(await creditOf(user), 44);
});

test("three hundred pipelined requests on one connection are each executed once, in order", async () => {
  const user = await userWith(300);
  const answers = await exchange(
    served.url,
    post(`/payment/pay/${user}/1`, `X-Pad: ${"x".repeat(200)}\r\n`).repeat(300),
  );
  assert.deepEqual(
    answers.map(({ body }) => body),
    paidDown(user, 300, 300),
  );
  assert.equal(await creditOf(user), 0);
});

test("requests on one connection are executed in sequence: each sees the effect of the previous one", async () => {
  const [user, item] = [await userWith(100), await created("/stock/item/create/7")];
  const order = await created(`/orders/create/${user}`);
  const answers = await exchange(
    served.url,
    post(`/stock/add/${item}/5`) +
      post(`/orders/addItem/${order}/${item}/2`) +
      post(`/orders/checkout/${order}`) +
      get(`/stock/find/${item}`) +
      get(`/payment/find_user/${user}`),
  );
  assert.deepEqual(
    answers.map(({ body }) => body),
    [
      `Item: ${item} stock updated to: 5`,
      `Item: ${item} added to: ${order} price updated to: 14`,
      "Checkout successful",
      '{"stock":3,"price":7}',
      `{"user_id":"${user}","credit":86}`,
    ],
  );
});

test("a refused request between others does not affect them", async () => {
  const user = await userWith(9);
  const pay = post(`/payment/pay/${user}/1`);
  const middle = [
    post("/nowhere"),
    get("/orders/%2e%2e/x"),
    post(`/payment/pay/${user}/100`),
    post("/x", "Expect: me\r\n"),
  ];
  for (const [index, refused] of middle.entries()) {
    const answers = await exchange(served.url, pay + refused + pay);
    assert.deepEqual(
      statuses(answers).map((status) => status < 300),
      [true, false, true],
      refused,
    );
    assert.equal(await creditOf(user), 9 - 2 * (index + 1));
  }
});

test("nothing is executed after a body refused unread, or after a request with Connection: close", async () => {
  const user = await userWith(9);
  const pay = post(`/payment/pay/${user}/1`);
  const tooLarge = post(`/payment/pay/${user}/1`, "Content-Length: 70000\r\n");
  const refused = await exchange(served.url, pay + tooLarge + pay);
  assert.deepEqual([statuses(refused), codeOf(refused[1])], [[200, 413], "body_too_large"]);
  const ambiguous = post("/payment/%2e%2e/x", "Content-Length: 3\r\n") + "abc";
  assert.deepEqual(statuses(await exchange(served.url, ambiguous + pay)), [400]);
  const last = await exchange(served.url, post(`/payment/pay/${user}/1`, "Connection: close\r\n") + pay);
  assert.deepEqual(statuses(last), [200]);
  assert.equal(await creditOf(user), 7);
});

test("a body that contradicts its head is 400, and nothing is executed", async () => {
  const user = await userWith(9);
  const broken = (headers: string, body: string): string => post(`/payment/pay/${user}/1`, headers) + body;
  const chunked = "Transfer-Encoding: chunked\r\n";
  const requests = {
    short: broken("Content-Length: 10\r\n", "abc"),
    overflow: broken(chunked, "fffffffffffffffff\r\nabc"),
    noSize: broken(chunked, "no-size\r\n"),
    longChunk: broken(chunked, "3\r\nabcdef\r\n0\r\n\r\n"),
    cutChunks: broken(chunked, "3\r\nabc\r\n"),
    cutTrailer: broken(chunked, "0\r\n"),
    both: broken(`Content-Length: 3\r\n${chunked}`, "0\r\n\r\n"),
    twoLengths: broken("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
    unknownCoding: broken("Transfer-Encoding: identity\r\n", "abc"),
    codingTwice: broken("Transfer-Encoding: chunked, chunked, gzip\r\n", "0\r\n\r\n"),
    twoHosts: broken("Host: localhost\r\n", ""),
    expected: broken("Expect: 100-continue\r\nContent-Length: 10\r\n", "abc"),
  };
  for (const [name, request] of Object.entries(requests)) {
    const answers = (await exchange(served.url, request)).filter(({ status }) => status !== 100);
    assert.deepEqual([statuses(answers), codeOf(answers[0])], [[400], "malformed_request"], name);
  }
  assert.equal(await creditOf(user), 9);
});

test("a complete body is accepted, in every encoding, and so is the next request", async () => {
  const user = await userWith(9);
  const bodies = [
    post(`/payment/pay/${user}/1`, "Content-Length: 3\r\n") + "abc",
    post(`/payment/pay/${user}/1`, "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n",
    get("/health", "Content-Length: 3\r\n") + "abc",
  ];
  const answers = await exchange(served.url, bodies.join("") + post(`/payment/pay/${user}/1`));
  assert.deepEqual(statuses(answers), [200, 200, 200, 200]);
  assert.equal(await creditOf(user), 6);
});

test("a client that waits for 100 Continue gets it, unless the request would be refused", async () => {
  const connection = new RawConnection(served.url);
  const user = await userWith(9);
  const expecting = (length: number): string =>
    post(`/payment/pay/${user}/1`, `Expect: 100-continue\r\nContent-Length: ${length}\r\n`);
  connection.send(post(`/payment/pay/${user}/1`) + expecting(3));
  assert.deepEqual(statuses(await connection.first(2)), [200, 100]);
  connection.send("abc");
  assert.deepEqual(statuses(await connection.first(3)), [200, 100, 200]);
  connection.send(expecting(70_000));
  assert.deepEqual(statuses(await connection.untilClosed()), [200, 100, 200, 413]);
  assert.equal(await creditOf(user), 7);
});

test("HTTP/1.0 keeps a connection if the client requests it, and closes it otherwise", async () => {
  const old = (headers: string): string => `GET /health HTTP/1.0\r\n${headers}\r\n`;
  const kept = await exchange(served.url, old("Connection: keep-alive\r\n") + old(""));
  assert.deepEqual(statuses(kept), [200, 200]);
  const connection = new RawConnection(served.url);
  connection.send(old(""));
  assert.deepEqual(statuses(await connection.untilClosed()), [200]);
});

test("an unsupported upgrade is answered as a plain request, and the connection closes", async () => {
  const upgrade = get("/health", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  const [answer, ...others] = await exchange(served.url, upgrade + get("/health"));
  assert.deepEqual([answer?.status, answer?.headers["connection"], others], [200, "close", []]);
});

test("a client that disconnects affects no others, and each of its requests is executed or not begun", async () => {
  const user = await userWith(40);
  const connections = Array.from({ length: 10 }, () => new RawConnection(served.url));
  for (const connection of connections) connection.send(post(`/payment/pay/${user}/1`).repeat(3) + "POST /paym");
  await Promise.all(connections.map((connection) => connection.first(1)));
  for (const connection of connections) connection.destroy();
  const left = await creditOf(user);
  assert.ok(left >= 10 && left <= 30, `${left}`);
});

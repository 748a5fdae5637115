// The books of a data folder: they are exact after every kind of operation, and a store that lacks something is named.
import { serveCheckout, temporaryFolder } from "@assent/topology";
import { SqliteEngine } from "@assent/sqlite";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { audit } from "../../checkout/cli/src/audit.ts";

const command = fileURLToPath(new URL("../../checkout/cli/bin/assent.mjs", import.meta.url));
const folder = temporaryFolder();
after(() => folder.remove());
const place = (name: string): string => join(folder.path, name);

async function inShop(
  name: string,
  work: (post: (path: string) => Promise<number>, url: string) => Promise<void>,
): Promise<void> {
  const served = await serveCheckout({ dataFolder: place(name) });
  await work(async (path) => (await fetch(served.url + path, { method: "POST" })).status, served.url);
  assert.equal(await served.stop(), 0);
}

/** Users of paid orders, whom seeding chooses at random. */
const payers = new Set<string>();

async function recordPayers(url: string, orders: readonly number[]): Promise<void> {
  for (const order of orders) {
    const found = (await (await fetch(`${url}/orders/find/${order}`)).json()) as { user_id: string };
    payers.add(found.user_id);
  }
}

/** `earlier` is a copy of `now` from before its last start. */
before(async () => {
  await inShop("now", async (post) => {
    for (const path of ["/stock/batch_init/3/100/2", "/payment/batch_init/3/100", "/orders/batch_init/9/3/3/2"]) {
      assert.equal(await post(path), 200);
    }
    for (const order of [0, 1, 2]) assert.equal(await post(`/orders/checkout/${order}`), 200);
  });
  cpSync(place("now"), place("earlier"), { recursive: true });
  await inShop("now", async (post, url) => {
    for (const order of [3, 4]) assert.equal(await post(`/orders/checkout/${order}`), 200);
    await recordPayers(url, [0, 1, 2, 3, 4]);
    // All replaced amounts had been spent or sold; amounts that are moved directly are neither.
    for (const path of ["/stock/batch_init/2/50/2", "/payment/batch_init/2/50", "/orders/batch_init/1/3/3/2"]) {
      assert.equal(await post(path), 200);
    }
    for (const path of ["/payment/pay/0/5", "/stock/subtract/0/5", "/orders/checkout/0", "/orders/checkout/5"]) {
      assert.equal(await post(path), 200);
    }
    await recordPayers(url, [0, 5]);
  });
});

/** A copy of the folder with one store changed. */
function changed(name: string, file: string, change: (path: string) => void): string {
  const copy = place(name);
  cpSync(place("now"), copy, { recursive: true });
  change(join(copy, file));
  return copy;
}

const earlier = (file: string) => (path: string) => cpSync(join(place("earlier"), file), path);

test("S2 the books add up after checkouts, repeated seeding, and direct movements", () => {
  const { findings, isExact, orders, credit } = audit(place("now"));
  assert.deepEqual(findings, []);
  assert.ok(isExact);
  assert.deepEqual([orders.paid, orders.paidBefore], [6, 1n]);
  assert.equal(credit.spent + credit.spentBefore, 7n * 4n);
  assert.equal(credit.withdrawn, 5n);
});

for (const [file, finding] of [
  [
    "payment.db",
    /^credit of user \d: paid orders cost \d+, payment.db records \d+ spent: payment.db is older than orders/,
  ],
  ["stock.db", /^units of item \d: paid orders took \d+, stock.db records \d+ spent: stock.db is older than orders.db/],
  [
    "orders.db",
    /^units of item \d: paid orders took \d+, stock.db records \d+ spent: orders.db is older than stock.db/,
  ],
] as const) {
  test(`S2 an older ${file} is detected and named`, () => {
    const { findings } = audit(changed(`older ${file}`, file, earlier(file)));
    assert.ok(
      findings.some((text) => finding.test(text)),
      findings.join("\n"),
    );
    assert.match(findings[0] ?? "", /^(orders|stock|payment).db is older than/, "the marks report it, too");
  });
}

test("S2 an empty payment.db is detected and named", () => {
  const { findings } = audit(changed("empty", "payment.db", (path) => truncateSync(path)));
  assert.match(findings[0] ?? "", /^payment.db is empty or belongs to another system/);
  assert.equal(findings.length, 1 + payers.size);
  for (const text of findings.slice(1)) {
    assert.match(text, /^credit of user \d: paid orders cost \d+, payment.db has no such account: payment.db is older/);
  }
});

/** Serves until the process ends on its own or accepts requests. */
function serve(data: string, ...words: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, [command, "serve", "--data", data, "--port", "0", ...words]);
  let printed = "";
  const read = (chunk: unknown): void => {
    printed += String(chunk);
    if (printed.includes("Stop with Ctrl-C")) child.kill("SIGTERM");
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, printed }));
  });
}

const unlike: readonly (readonly [what: string, file: string, change: (path: string) => void, says: RegExp])[] = [
  [
    "an empty payment.db",
    "payment.db",
    (path) => truncateSync(path),
    /payment.db is empty or belongs to another system/,
  ],
  ["no stock.db", "stock.db", (path) => rmSync(path), /stock.db is empty or belongs to another system/],
  ["an older payment.db", "payment.db", earlier("payment.db"), /payment.db is older than orders.db: .* start of 20/],
  ["an older orders.db", "orders.db", earlier("orders.db"), /orders.db is older than stock.db/],
];

test("a start on stores that do not belong together is refused with a remedy, and changes no record", async () => {
  await Promise.all(
    unlike.map(async ([what, file, change, says], index) => {
      const data = changed(`refused, ${what}`, file, change);
      // Repeats one of them: a refusal must not leave a mark that the next start would accept.
      for (const again of index === 0 ? [1, 2] : [1]) {
        const { code, printed } = await serve(data);
        assert.equal(code, 1, `${what}, ${again}: ${printed}`);
        assert.match(printed, says);
        assert.match(printed, /do not belong together. Nothing was started, and no record was changed/);
        assert.match(printed, /backup-and-restore.md[^]*--accept-stores/);
        assert.doesNotMatch(printed, /^\s+at /m);
      }
      // A restored store belongs to the others as before.
      cpSync(join(place("now"), file), join(data, file));
      assert.deepEqual(audit(data).findings, []);
    }),
  );
});

test("accepted stores start, now and later, and the audit keeps reporting what is missing", async () => {
  const data = changed("accepted", "payment.db", earlier("payment.db"));
  for (const words of [["--accept-stores"], []]) {
    const { code, printed } = await serve(data, ...words);
    assert.equal(code, 0, printed);
  }
  const { findings, accepted } = audit(data);
  assert.match(findings[0] ?? "", /^credit of user \d: paid orders cost \d+, payment.db records/);
  assert.match(accepted[0]?.problems[0] ?? "", /^payment.db is older than orders.db/);
});

test("a folder of an earlier version, without marks, starts and is marked", async () => {
  const data = changed("unmarked", "orders.db", () => undefined);
  for (const file of ["orders.db", "stock.db", "payment.db"]) loseMark(join(data, file));
  assert.deepEqual(audit(data).findings, []);
  for (const _ of [1, 2]) assert.equal((await serve(data)).code, 0);
  assert.equal(audit(data).isExact, false, "amounts replaced by the earlier version are not recorded");
  cpSync(join(place("now"), "payment.db"), join(data, "payment.db"));
  assert.match((await serve(data)).printed, /payment.db and orders.db belong to different systems/);
});

test("a folder of an earlier version whose payment.db is empty is refused", async () => {
  const data = changed("unmarked and empty", "payment.db", (path) => truncateSync(path));
  for (const file of ["orders.db", "stock.db"]) loseMark(join(data, file));
  const { code, printed } = await serve(data);
  assert.equal(code, 1);
  assert.match(printed, /credit of user \d: paid orders cost \d+, payment.db has no such account/);
});

test("a consistent copy of a whole folder can be served elsewhere", async () => {
  const data = changed("copy", "orders.db", () => undefined);
  assert.equal((await serve(data)).code, 0);
  assert.deepEqual(audit(data).findings, []);
});

function loseMark(path: string): void {
  const engine = new SqliteEngine(path);
  engine.commit(new Map([["marks", new Map([["store", undefined]])]]));
  engine.close();
}

test("a missing or invalid store is reported with its reason", () => {
  const gone = changed("gone", "stock.db", (path) => rmSync(path));
  assert.throws(() => audit(gone), {
    code: "data_unreadable",
    message: /stock.db cannot be read \(the file is missing/,
  });
  const noise = changed("noise", "stock.db", (path) => writeFileSync(path, "no database\n".repeat(2_000)));
  assert.throws(() => audit(noise), {
    code: "data_unreadable",
    message: /stock.db cannot be read .*No record was changed/,
  });
});

// The books of a data folder: exact after everything that a shop does, and a store that lacks something is named.
import { serveCheckout, temporaryFolder } from "@assent/launcher";
import assert from "node:assert/strict";
import { cpSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { audit } from "../../apps/cli/src/audit.ts";

const folder = temporaryFolder();
after(() => folder.remove());
const place = (name: string): string => join(folder.path, name);

async function inShop(name: string, work: (post: (path: string) => Promise<number>) => Promise<void>): Promise<void> {
  const served = await serveCheckout({ dataFolder: place(name) });
  await work(async (path) => (await fetch(served.url + path, { method: "POST" })).status);
  assert.equal(await served.stop(), 0);
}

/** `earlier` is `now` as it was before its last start. */
before(async () => {
  await inShop("now", async (post) => {
    for (const path of ["/stock/batch_init/3/100/2", "/payment/batch_init/3/100", "/orders/batch_init/9/3/3/2"]) {
      assert.equal(await post(path), 200);
    }
    for (const order of [0, 1, 2]) assert.equal(await post(`/orders/checkout/${order}`), 200);
  });
  cpSync(place("now"), place("earlier"), { recursive: true });
  await inShop("now", async (post) => {
    for (const order of [3, 4]) assert.equal(await post(`/orders/checkout/${order}`), 200);
    // Everything that is replaced was spent or sold; what is moved directly is neither.
    for (const path of ["/stock/batch_init/2/50/2", "/payment/batch_init/2/50", "/orders/batch_init/1/3/3/2"]) {
      assert.equal(await post(path), 200);
    }
    for (const path of ["/payment/pay/0/5", "/stock/subtract/0/5", "/orders/checkout/0", "/orders/checkout/5"]) {
      assert.equal(await post(path), 200);
    }
  });
});

/** A folder of its own, with one store changed. */
function changed(name: string, file: string, change: (path: string) => void): string {
  const copy = place(name);
  cpSync(place("now"), copy, { recursive: true });
  change(join(copy, file));
  return copy;
}

const earlier = (file: string) => (path: string) => cpSync(join(place("earlier"), file), path);

test("S2 the books add up after checkouts, seeding over, and direct movements", () => {
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
    /^credit of user \d: paid orders cost \d+, payment.db says \d+ spent: payment.db is older than orders/,
  ],
  ["stock.db", /^units of item \d: paid orders took \d+, stock.db says \d+ spent: stock.db is older than orders.db/],
  ["orders.db", /^units of item \d: paid orders took \d+, stock.db says \d+ spent: orders.db is older than stock.db/],
] as const) {
  test(`S2 an older ${file} is found, and named`, () => {
    const { findings } = audit(changed(`older ${file}`, file, earlier(file)));
    assert.match(findings[0] ?? "", finding);
  });
}

test("S2 a payment.db that is empty is found, and named", () => {
  const { findings } = audit(changed("empty", "payment.db", (path) => truncateSync(path)));
  assert.equal(findings.length, 3);
  for (const text of findings) {
    assert.match(text, /^credit of user \d: paid orders cost \d+, payment.db has no such account: payment.db is older/);
  }
});

test("a store that is missing, or is none, is explained", () => {
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

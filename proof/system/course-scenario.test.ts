// The course's consistency scenario in every protocol, with 100 connections and with all requests in flight at once.
import { courseOrders, courseScenario, courseStock, courseUsers } from "@assent/bench";
import { serveCheckout, temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { test } from "node:test";

for (const protocol of ["2pc", "saga", "auto"] as const) {
  test(`${protocol}: exactly ${courseStock} of ${courseOrders} checkouts succeed, and everything adds up`, async () => {
    const folder = temporaryFolder();
    const served = await serveCheckout({ dataFolder: folder.path, protocol });
    const result = await courseScenario({ url: served.url, connections: 100, random: Math.random });
    assert.deepEqual(
      [result.succeeded, result.refused, result.otherwise, result.stockLeft, result.creditLeft, result.paidOrders],
      [courseStock, courseOrders - courseStock, 0, 0, courseUsers - courseStock, courseStock],
    );
    assert.equal(await served.stop(), 0);
    folder.remove();
  });
}

test("2pc with all 1,000 in flight at once: still exactly 100, no false sold-out (P10)", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path, protocol: "2pc" });
  const result = await courseScenario({ url: served.url, connections: courseOrders, random: Math.random });
  assert.deepEqual(
    [result.succeeded, result.refused, result.stockLeft, result.creditLeft],
    [courseStock, courseOrders - courseStock, 0, courseUsers - courseStock],
  );
  assert.equal(await served.stop(), 0);
  folder.remove();
});

test("saga with all 1,000 in flight at once: at most 100, and exact conservation", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path, protocol: "saga" });
  const result = await courseScenario({ url: served.url, connections: courseOrders, random: Math.random });
  assert.ok(result.succeeded <= courseStock);
  assert.equal(result.succeeded + result.refused, courseOrders);
  assert.equal(result.stockLeft, courseStock - result.succeeded);
  assert.equal(result.creditLeft, courseUsers - result.succeeded);
  assert.equal(result.paidOrders, result.succeeded);
  assert.equal(await served.stop(), 0);
  folder.remove();
});

import { TestClock } from "@assent/conformance";
import { defaultLimits } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sqliteLog } from "./sqlite-log.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-sqlite-log-"));
after(() => rmSync(folder, { recursive: true }));

const request = {
  key: "trip-1",
  create: { incarnation: "i", fields: {} },
  definition: "book_trip",
  definitionHash: 1,
  protocol: "2pc",
  owner: "trips:1",
  releaseWaitMs: 0,
} as const;

test("the log of a coordinator is there after it was closed, and another coordinator cannot open it", async () => {
  const clock = new TestClock();
  const store = sqliteLog(join(folder, "trips.db"));
  const options = { coordinator: "trips", limits: defaultLimits, clock };
  const first = await store.openLog(options);
  const now = clock.now();
  const begun = await first.log.begin({ ...request, begunAt: now, deadlineAt: now + 1_000 });
  assert.equal(begun.kind, "begun");
  await first.close();
  await assert.rejects(store.openLog({ ...options, coordinator: "orders" }), {
    code: "unsuitable_file",
    message: /the log of the coordinator "trips"/,
  });
  const second = await store.openLog(options);
  const again = await second.log.begin({ ...request, begunAt: now, deadlineAt: now + 1_000 });
  assert.equal(again.kind, "in_flight");
  await second.close();
});

test("while a coordinator has its log open, nothing else opens it", async () => {
  const store = sqliteLog(join(folder, "locked.db"));
  const options = { coordinator: "trips", limits: defaultLimits, clock: new TestClock() };
  const first = await store.openLog(options);
  await assert.rejects(store.openLog(options), {
    code: "unsuitable_file",
    message: /another coordinator has it open/,
  });
  await first.close();
});

import { orderOperations } from "@assent/order";
import { defaultLimits } from "assent/internal/protocol";
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "./database.ts";
import { readDatabaseSettings } from "./database-settings.ts";

test("an unreachable database is named without its password, with a remedy", async () => {
  const operations = orderOperations(defaultLimits);
  const open = (environment: Readonly<Record<string, string>>): Promise<unknown> =>
    openDatabase({ settings: readDatabaseSettings(environment), name: "orders", prefix: "p", operations });
  await assert.rejects(open({ REDIS_PORT: "1", REDIS_PASSWORD: "secret" }), (error: Error & { code?: string }) => {
    assert.equal(error.code, "database_unreachable");
    assert.match(error.message, /^The database cannot be reached: redis:\/\/\(hidden\)@127\.0\.0\.1:1\/0: /);
    assert.match(error.message, /ECONNREFUSED.*Nothing was started\. Start it, or correct REDIS_URL/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

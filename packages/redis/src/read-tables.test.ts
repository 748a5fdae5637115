// A read-only client finds the records written by an executor, and asks the server only for records.
import { accountTable } from "assent/ledger";
import { readRow, rowOperations, rowTable } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import { readTables } from "./read-tables.ts";
import type { RedisCommand, RedisPort } from "./redis-port.ts";

let server: TestServer;

before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

test("records are read only by HGET; a missing record is undefined", async () => {
  const prefix = server.prefix();
  const executor = await server.openKeyed(prefix);
  await executor.run(rowOperations.putRow, { key: "here", incarnation: "1", fields: { name: "a b" } });
  await executor.close();
  const port = await server.connect();
  const sent: string[] = [];
  const watched: RedisPort = {
    isClosed: false,
    send(commands: readonly RedisCommand[]) {
      sent.push(...commands.map(([word = ""]) => word));
      return port.send(commands);
    },
    close: () => port.close(),
  };
  const rows = await readTables({
    port: watched,
    prefix,
    read: (tables) => ["here", "gone"].map((key) => readRow(tables, key)),
  });
  assert.deepEqual(rows, [
    { key: "here", incarnation: "1", attempt: 0, outcome: "none", fields: { name: "a b" } },
    undefined,
  ]);
  assert.deepEqual(sent, ["HGET", "HGET"]);
  port.close();
});

test("writes and scans are refused, and an error of the server is reported", async () => {
  const prefix = server.prefix();
  const port = await server.connect();
  const row = { key: "k", incarnation: "1", fields: {} };
  await assert.rejects(
    readTables({ port, prefix, read: (tables) => rowOperations.putRow.step(tables, row, { now: 0 }) }),
    /only single records are read/,
  );
  await assert.rejects(
    readTables({ port, prefix, read: (tables) => tables.scan(accountTable, { limit: 1 }) }),
    /only single records are read/,
  );
  await port.send([["SET", `{${prefix}}:rows`, "no hash"]]);
  await assert.rejects(readTables({ port, prefix, read: (tables) => tables.get(rowTable, "k") }), {
    code: "WRONGTYPE",
  });
  assert.deepEqual(await port.send([["DBSIZE"]]), [2], "the other test's row, and the key that is no hash");
  port.close();
});

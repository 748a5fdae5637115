// The conclusions of a process from its sentinels' answers, and its connections to them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RedisConnect, RedisPort } from "./redis-port.ts";
import { SentinelDirectory } from "./sentinel-directory.ts";

/** A sentinel with configurable answers. */
class ScriptedSentinel {
  readonly opened: RedisPort[] = [];
  isSilent = false;
  flags = "master";

  readonly connect: RedisConnect = async () => {
    await new Promise(setImmediate);
    let isClosed = false;
    const port: RedisPort = {
      get isClosed() {
        return isClosed;
      },
      send: async () => {
        if (isClosed || this.isSilent) throw new Error("no answer");
        const record = ["flags", this.flags, "config-epoch", "1", "num-other-sentinels", "1"];
        return [record, ["127.0.0.1", "7000"]];
      },
      close: () => {
        isClosed = true;
      },
    };
    this.opened.push(port);
    return port;
  };
}

function directoryOf(...sentinels: readonly ScriptedSentinel[]): SentinelDirectory {
  return new SentinelDirectory({ sentinels: sentinels.map(({ connect }) => connect), masterName: "db" });
}

test("concurrent queries share a connection, and none stays open afterwards", async () => {
  const sentinel = new ScriptedSentinel();
  const directory = directoryOf(sentinel);
  await Promise.all([directory.master(), directory.mastership({ host: "127.0.0.1", port: 7_000 }), directory.master()]);
  assert.equal(sentinel.opened.length, 1);
  directory.close();
  await new Promise(setImmediate);
  assert.deepEqual(
    sentinel.opened.filter(({ isClosed }) => !isClosed),
    [],
  );
});

test("a connection being opened when the directory is closed is closed, too", async () => {
  const sentinel = new ScriptedSentinel();
  const directory = directoryOf(sentinel);
  const asked = assert.rejects(directory.master(), { code: "master_unknown" });
  directory.close();
  await asked;
  assert.deepEqual(
    sentinel.opened.map(({ isClosed }) => isClosed),
    [true],
  );
});

test("a sentinel that did not answer is asked over a new connection", async () => {
  const sentinel = new ScriptedSentinel();
  const directory = directoryOf(sentinel);
  sentinel.isSilent = true;
  const silent = [directory.master(), directory.master()].map((asked) =>
    assert.rejects(asked, { code: "master_unknown" }),
  );
  await Promise.all(silent);
  sentinel.isSilent = false;
  assert.equal((await directory.master()).port, 7_000);
  assert.deepEqual(
    sentinel.opened.map(({ isClosed }) => isClosed),
    [true, false],
  );
  directory.close();
});

test("D2 a sentinel with an unfinished promotion also makes the promoted server unsettled", async () => {
  const [busy, other] = [new ScriptedSentinel(), new ScriptedSentinel()];
  const directory = directoryOf(busy, other);
  const server = { host: "127.0.0.1", port: 7_000 };
  assert.equal(await directory.mastership(server), "settled");
  // Until it is done, it may make the replicas follow the old master once more (docs/adr/0012).
  busy.flags = "master,failover_in_progress";
  assert.equal(await directory.mastership(server), "unsettled");
  assert.equal(await directory.mastership({ ...server, port: 7_001 }), "moved");
  directory.close();
});

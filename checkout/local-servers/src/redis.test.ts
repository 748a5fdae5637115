// A server that keeps its configuration, on a folder that was copied.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startRedis } from "./redis.ts";
import { converseWithRedis } from "./redis-conversation.ts";

test("a watched server on a copied folder keeps its data in the copy", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-"));
  const options = { isWatched: true, password: "secret", appendfsync: "always" } as const;
  const first = await startRedis({ ...options, folder: join(folder, "first") });
  await first.stop();
  cpSync(join(folder, "first"), join(folder, "copy"), { recursive: true });
  const second = await startRedis({ ...options, folder: join(folder, "copy"), port: first.port });
  const isComplete = (received: string): boolean => received.split("\r\n").length >= 6;
  const answer = await converseWithRedis(second, { text: "CONFIG GET dir\r\n", isComplete, waitMs: 10_000 });
  assert.match(answer ?? "", new RegExp(`${join(folder, "copy")}\r\n$`));
  await second.stop();
  rmSync(folder, { recursive: true });
});

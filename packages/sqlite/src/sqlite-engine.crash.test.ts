import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { writerKeys, writerTables } from "../test-kit/writer-process.ts";
import { SqliteEngine } from "./sqlite-engine.ts";

const folder = new TemporaryFolder();
after(() => folder.remove());

const writer = new URL("../test-kit/writer-process.ts", import.meta.url).pathname;

/**
 * Lets a process write until it has acknowledged `batches` batches, then kills it. Returns the last one acknowledged.
 */
async function writeAndKill(path: string, { from, batches }: { from: number; batches: number }): Promise<number> {
  const child = spawn(process.execPath, [writer, path, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    return await lastOf(child, batches);
  } finally {
    child.kill("SIGKILL");
  }
}

async function lastOf(child: ChildProcess, batches: number): Promise<number> {
  assert.ok(child.stdout !== null);
  const ended = once(child, "exit");
  let reported = 0;
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    reported += 1;
    if (reported === batches) child.kill("SIGKILL");
  }
  const [code, signal] = (await ended) as [number | null, string | null];
  assert.deepEqual([code, signal], [null, "SIGKILL"], "it was killed, it did not fail");
  return last;
}

/** Asserts that a store holds the batches up to some number, each as a whole; answers that number. */
function wholeBatches(engine: SqliteEngine): number {
  const number = (engine.get("a", "number") ?? 0) as number;
  for (const table of writerTables) {
    assert.equal(engine.get(table, "number"), number, `table ${table}`);
    for (let batch = Math.max(1, number - 49); batch <= number; batch += 1) {
      for (let index = 0; index < writerKeys; index += 1) {
        assert.equal(engine.get(table, `${batch % 50}/${index}`), batch, `batch ${batch} in table ${table}`);
      }
    }
  }
  return number;
}

test("C3 C4 after kill -9 every acknowledged batch is present, and no batch is partial", async () => {
  const path = folder.file();
  let from = 1;
  for (const batches of [90, 37, 60]) {
    const reported = await writeAndKill(path, { from, batches });
    assert.ok(reported >= from + batches - 1, `${reported} was the last`);
    // Every other time what the crash left is not moved to the tables before the next one.
    const engine = new SqliteEngine(batches === 37 ? path : folder.crashed(path));
    const found = wholeBatches(engine);
    assert.ok(found >= reported, `batch ${reported} was acknowledged, but the last one present is ${found}`);
    assert.ok(found <= reported + 1, "the store contains a batch that was never begun");
    engine.close();
    from = found + 1;
  }
});

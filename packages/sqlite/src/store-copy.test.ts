// Copies of several stores are of one moment: a store that waits for the others commits nothing, and each copy has
// what its store had committed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { counterOperations } from "../test-kit/counter-thread.ts";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import { StoreClient } from "./store-client.ts";
import { CopyNotBegun, meet, newMeeting } from "./store-copy.ts";

const folder = new TemporaryFolder();
const opened: StoreClient[] = [];
after(async () => {
  for (const store of opened) await store.close();
  folder.remove();
});

const newPath = (): string => folder.file();

function openStore(): StoreClient {
  const store = new StoreClient({
    module: new URL("../test-kit/counter-thread.ts", import.meta.url),
    workerData: { path: newPath() },
    onFailed: (error) => assert.fail(error),
  });
  opened.push(store);
  return store;
}

function counted(path: string): unknown {
  const engine = new SqliteEngine(path);
  try {
    return engine.get("counters", "one");
  } finally {
    engine.close();
  }
}

test("a store that copies stands still from its arrival until the last of the others has arrived", async () => {
  const [first, second] = [openStore(), openStore()];
  await Promise.all([first.run(counterOperations.add, { by: 1 }), second.run(counterOperations.add, { by: 1 })]);
  const shared = { meeting: newMeeting(), parties: 2 };
  const [firstPath, secondPath] = [newPath(), newPath()];
  const copying = first.copy({ ...shared, path: firstPath });
  let answered = false;
  const later = first.run(counterOperations.add, { by: 1 }).then((sum) => {
    answered = true;
    return sum;
  });
  for (let sum = 2; sum <= 6; sum += 1) assert.equal(await second.run(counterOperations.add, { by: 1 }), sum);
  assert.equal(answered, false, "nothing is committed while it waits");
  await Promise.all([copying, second.copy({ ...shared, path: secondPath })]);
  assert.equal(await later, 2, "it goes on afterwards");
  assert.deepEqual([counted(firstPath), counted(secondPath)], [1, 6]);
});

test("a store that waits too long gives up, and so do later ones: nothing is copied", () => {
  const shared = { meeting: newMeeting(), parties: 2 };
  assert.throws(() => meet(shared, 1), CopyNotBegun);
  assert.throws(() => meet(shared, 1), CopyNotBegun);
  assert.throws(() => meet(shared, 1), CopyNotBegun);
});

test("a copy that cannot be written is an error, and the store goes on", async () => {
  const store = openStore();
  const path = join(newPath(), "nowhere", "copy.db");
  await assert.rejects(store.copy({ meeting: newMeeting(), parties: 1, path }), { code: "store_thread_failed" });
  assert.equal(await store.run(counterOperations.add, { by: 1 }), 1);
});

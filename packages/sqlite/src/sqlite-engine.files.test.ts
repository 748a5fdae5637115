import type { Json } from "assent/internal/protocol";
import { EngineFull, type Writes } from "assent/internal/engine";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { after, type TestContext, test } from "node:test";
import { logOf, TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { formatVersion, memtableKeysMax, SqliteEngine } from "./sqlite-engine.ts";

const folder = new TemporaryFolder();
after(() => folder.remove());

const all = { limit: 1_000_000 };

function batch(number: number): Writes {
  return new Map([
    [
      "a",
      new Map<string, Json | undefined>([
        ["number", number],
        [`key ${number}`, "x".repeat(300)],
      ]),
    ],
    [
      "b",
      new Map<string, Json | undefined>([
        ["number", number],
        [`key ${number - 1}`, undefined],
      ]),
    ],
  ]);
}

/** A closed file with so many batches, all of them in the journal and none in the tables. */
function journalOf(batches: number): string {
  const path = folder.file();
  const engine = new SqliteEngine(path);
  for (let number = 1; number <= batches; number += 1) engine.commit(batch(number));
  const crashed = folder.crashed(path);
  engine.close();
  return crashed;
}

/** The first rows that two scans do not have in common. */
function firstDifference(left: readonly unknown[], right: readonly unknown[]): string | undefined {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [a, b] = [JSON.stringify(left[index]), JSON.stringify(right[index])];
    if (a !== b) return `row ${index} of ${left.length} is ${a}, not ${b}`;
  }
  return undefined;
}

/** Changes a closed file with plain SQL, as a bug or an operator would. */
function tamper(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

test("C3 a large history is the same in memory and in the tables, opened and crashed on the way", () => {
  const path = folder.file();
  let engine = new SqliteEngine(path);
  const model = new Map<string, number>();
  const commit = (from: number, count: number): void => {
    const changes = new Map<string, number | undefined>();
    for (let index = from; index < from + count; index += 1) {
      const key = `key ${index % (memtableKeysMax + 5_000)}`;
      changes.set(key, index % 7 === 0 ? undefined : index);
    }
    for (const [key, value] of changes) {
      if (value === undefined) model.delete(key);
      else model.set(key, value);
    }
    engine.commit(new Map([["a", changes]]));
  };
  const check = (opened: SqliteEngine): void => {
    const rows = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
    // The difference between two long lists would take longer to show than anybody would wait.
    assert.equal(firstDifference(opened.scan("a", all), rows), undefined);
    const [middle] = rows[rows.length >> 1] ?? [""];
    assert.deepEqual(opened.scan("a", { after: middle, limit: 3 }), rows.slice((rows.length >> 1) + 1).slice(0, 3));
  };
  let written = 0;
  for (const count of [memtableKeysMax - 10, 20, 15_000, 3_000]) {
    // The memtable is frozen by the second of these and moved by those after it, in several steps.
    commit(written, count);
    written += count;
    check(engine);
    const crashed = new SqliteEngine(folder.crashed(path));
    check(crashed);
    crashed.close();
  }
  engine.close();
  engine = new SqliteEngine(path);
  check(engine);
  commit(written, 300);
  check(engine);
  engine.close();
});

test("R7 a scan reads what it answers, however much its table holds in memory and on disk", (context) => {
  const engine = new SqliteEngine(folder.file());
  const key = (number: number): string => `due ${String(number).padStart(9, "0")}`;
  const count = 3 * memtableKeysMax;
  for (let from = 0; from < count; from += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, index): [string, null] => [key(from + index), null]);
    engine.commit(new Map([["due", new Map(keys)]]));
  }
  const all_ = context.mock.method(StatementSync.prototype, "all");
  const readBy = (range: Parameters<SqliteEngine["scan"]>[1]): number => {
    all_.mock.resetCalls();
    const found = engine.scan("due", range);
    assert.equal(found.length, range.limit);
    return all_.mock.calls.reduce((sum, { result }) => sum + (result?.length ?? 0), 0);
  };
  assert.ok(readBy({ limit: 1 }) <= 1);
  assert.ok(readBy({ limit: 10, before: key(count) }) <= 10);
  assert.ok(readBy({ limit: 10, after: key(count - 20) }) <= 10);
  engine.commit(new Map([["due", new Map(Array.from({ length: 50 }, (_, index) => [key(index), undefined]))]]));
  assert.deepEqual(engine.scan("due", { limit: 1 }), [[key(50), null]]);
  assert.ok(readBy({ limit: 10 }) <= 70, "and what newer deletions hide");
  engine.close();
});

test("C3 a torn end of the log is dropped: whole batches, and none but the newest are missing", () => {
  const path = folder.file();
  const engine = new SqliteEngine(path);
  const ends: number[] = [];
  for (let number = 1; number <= 8; number += 1) {
    engine.commit(batch(number));
    ends.push(logOf(path).length);
  }
  const total = ends.at(-1) ?? 0;
  for (const [index, end] of ends.entries()) {
    for (const [length, expected] of [
      [end, index + 1],
      [end - 1, index],
      [end - 4_000, index],
    ] as const) {
      const torn = new SqliteEngine(folder.crashed(path, total - length));
      assert.equal(torn.get("a", "number") ?? 0, expected, `${length} of ${total} bytes`);
      assert.equal(torn.get("b", "number") ?? 0, expected, `${length} of ${total} bytes`);
      torn.commit(batch(expected + 1));
      torn.close();
    }
  }
  engine.close();
});

test("a broken journal is refused, and the file is left as it was", () => {
  const damages = [
    "UPDATE journal SET changes = substr(changes, 1, 20) WHERE sequence = 3",
    "UPDATE journal SET changes = 'x' || changes WHERE sequence = 3",
    "UPDATE journal SET changes = '' WHERE sequence = 6",
    "DELETE FROM journal WHERE sequence = 4",
  ];
  for (const damage of damages) {
    const path = journalOf(6);
    tamper(path, damage);
    const before = readFileSync(path);
    // Twice: the first refusal lets go of the file.
    for (let turn = 0; turn < 2; turn += 1) {
      assert.throws(() => new SqliteEngine(path), { code: "damaged_journal" }, damage);
    }
    assert.deepEqual(readFileSync(path), before, damage);
  }
});

test("C4 a batch that is no JSON is refused as a whole, and the engine goes on", () => {
  const path = folder.file();
  const engine = new SqliteEngine(path);
  engine.commit(batch(1));
  const values = new Map<string, unknown>([
    ["number", 2],
    ["broken", 1n],
  ]) as unknown as Map<string, Json>;
  assert.throws(() => engine.commit(new Map([["a", values]])), TypeError);
  assert.equal(engine.get("a", "number"), 1);
  engine.commit(batch(2));
  engine.close();
  const opened = new SqliteEngine(path);
  assert.equal(opened.get("b", "number"), 2);
  opened.close();
});

test("a file that is no database is refused, and left as it was", () => {
  const path = folder.file();
  const text = "this is a letter to my aunt\n".repeat(1_000);
  writeFileSync(path, text);
  assert.throws(() => new SqliteEngine(path), { code: "ERR_SQLITE_ERROR", message: /not a database/ });
  assert.equal(readFileSync(path, "utf8"), text);
});

test("a file of another format is refused by a stable code, and left as it was", () => {
  const path = folder.file();
  new SqliteEngine(path).close();
  for (const version of [formatVersion + 1, 99, -1]) {
    tamper(path, `PRAGMA user_version = ${version}`);
    const before = readFileSync(path);
    assert.throws(
      () => new SqliteEngine(path),
      ({ code, message }: { code?: string; message: string }) => {
        assert.equal(code, "unknown_store_format");
        assert.ok(message.includes(path) && message.includes(String(version)), message);
        return true;
      },
    );
    assert.deepEqual(readFileSync(path), before);
    assert.equal(existsSync(`${path}-wal`), false);
  }
  tamper(path, `PRAGMA user_version = ${formatVersion}`);
  new SqliteEngine(path).close();
});

test("R2 a file that is open is opened by nobody else, and free when it is closed", () => {
  const path = folder.file();
  const first = new SqliteEngine(path);
  first.commit(batch(1));
  assert.throws(() => new SqliteEngine(path), { code: "ERR_SQLITE_ERROR", message: /locked/ });
  first.commit(batch(2));
  assert.equal(first.get("a", "number"), 2);
  first.close();
  const second = new SqliteEngine(path);
  assert.equal(second.get("a", "number"), 2);
  second.close();
});

/** An engine and its SQLite connection, which is its own affair: only to look at, and to limit. */
function openWatched(context: TestContext, path: string): { engine: SqliteEngine; database: DatabaseSync } {
  const exec = context.mock.method(DatabaseSync.prototype, "exec");
  const engine = new SqliteEngine(path);
  const database = exec.mock.calls[0]?.this as DatabaseSync | undefined;
  exec.mock.restore();
  assert.ok(database !== undefined);
  return { engine, database };
}

const pragma = (database: DatabaseSync, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];

test("every commit is forced to the disk", (context) => {
  const { engine, database } = openWatched(context, folder.file());
  assert.equal(pragma(database, "journal_mode"), "wal");
  assert.equal(pragma(database, "synchronous"), 2, "FULL");
  engine.close();
});

/** Lets the file grow by so many pages, or without end. */
function limitGrowth(database: DatabaseSync, pages: number): void {
  const size = pages === Infinity ? 4_294_967_294 : Number(pragma(database, "page_count")) + pages;
  database.exec(`PRAGMA max_page_count = ${size}`);
}

/** Commits numbered batches until one has no room; answers how many were written. */
function fill(engine: SqliteEngine, from: number): number {
  for (let number = from; number < from + 10_000; number += 1) {
    try {
      engine.commit(batch(number));
    } catch (error) {
      assert.ok(error instanceof EngineFull && error.code === "store_full", String(error));
      return number - 1;
    }
  }
  assert.fail("it is never full");
}

test("a full disk refuses a batch as a whole; reading goes on, and so does writing when there is room", (context) => {
  const path = folder.file();
  const { engine, database } = openWatched(context, path);
  engine.commit(batch(1));
  limitGrowth(database, 3);
  const written = fill(engine, 2);
  assert.ok(written > 1);
  for (let times = 0; times < 3; times += 1) assert.throws(() => engine.commit(batch(written + 1)), EngineFull);
  assert.equal(engine.get("a", "number"), written);
  assert.equal(engine.get("b", "number"), written);
  assert.equal(engine.get("a", `key ${written + 1}`), undefined);
  assert.equal(engine.scan("a", all).length, written + 1);
  const crashed = new SqliteEngine(folder.crashed(path));
  assert.equal(crashed.get("a", "number"), written);
  crashed.close();
  limitGrowth(database, Infinity);
  engine.commit(batch(written + 1));
  engine.close();
  const again = new SqliteEngine(path);
  assert.equal(again.get("b", "number"), written + 1);
  again.close();
});

/** Commits as many keys as the memtable takes, in parts; they are moved to their table by the commits after this. */
function fillMemtable(engine: SqliteEngine): void {
  const parts = 8;
  for (let part = 0; part < parts; part += 1) {
    const keys = new Map<string, Json>();
    for (let index = part; index < memtableKeysMax; index += parts) keys.set(`key ${index}`, "x".repeat(400));
    engine.commit(new Map([["many", keys]]));
  }
}

const fullDisks = [
  { pages: 0, isFreed: true },
  { pages: 1, isFreed: true },
  { pages: 1, isFreed: false },
];
for (const { pages, isFreed } of fullDisks) {
  const until = isFreed ? "until there is room" : "until the end";
  test(`a disk with ${pages} free pages ${until} costs nothing that was written while tables fill`, (context) => {
    const path = folder.file();
    const { engine, database } = openWatched(context, path);
    fillMemtable(engine);
    limitGrowth(database, pages);
    let written = fill(engine, 1);
    const check = (opened: SqliteEngine): void => {
      assert.equal(opened.get("a", "number") ?? 0, written);
      assert.equal(opened.get("b", "number") ?? 0, written);
      for (const key of ["key 0", "key 9", `key ${memtableKeysMax - 1}`]) {
        assert.equal(opened.get("many", key), "x".repeat(400));
      }
    };
    check(engine);
    if (isFreed) {
      limitGrowth(database, Infinity);
      for (let times = 0; times < 3; times += 1) {
        written += 1;
        engine.commit(batch(written));
      }
      check(engine);
    }
    engine.close();
    const opened = new SqliteEngine(path);
    check(opened);
    written += 1;
    opened.commit(batch(written));
    check(opened);
    assert.equal(opened.scan("many", all).length, memtableKeysMax);
    opened.close();
  });
}

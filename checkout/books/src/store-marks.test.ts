// Stores that belong together: an interrupted start never prevents the next one, and a store that is restored from an
// older copy, emptied or exchanged is always detected.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeMarks, type MarkedStore, markStart, type StoreMark, type StoreMarks } from "./store-marks.ts";

type Name = keyof StoreMarks;
const names: readonly Name[] = ["orders", "stock", "payment"];

class CutOff extends Error {}

/** Three stores; the process is killed after the given number of writes. */
class Folder {
  marks: StoreMarks = { orders: undefined, stock: undefined, payment: undefined };
  #starts = 0;
  readonly #line: string;

  constructor(line = "a") {
    this.#line = line;
  }

  start({ writes = Infinity, accepted = [] }: { writes?: number; accepted?: readonly string[] } = {}): void {
    this.#starts += 1;
    let left = writes;
    const store = (name: Name): MarkedStore => ({
      read: () => this.marks[name],
      write: (mark: StoreMark) => {
        if (left === 0) throw new CutOff();
        left -= 1;
        this.marks = { ...this.marks, [name]: mark };
      },
    });
    const stores = { orders: store("orders"), stock: store("stock"), payment: store("payment") };
    const start = { token: `${this.#line}${this.#starts}`, at: this.#starts };
    try {
      markStart(stores, { start, system: "s1", hasData: false, accepted });
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
  }

  copy(line: string): Folder {
    const copy = new Folder(line);
    copy.marks = this.marks;
    return copy;
  }

  with(name: Name, other: StoreMarks): readonly string[] {
    return judgeMarks({ ...this.marks, [name]: other[name] });
  }
}

const started = (times: number): Folder => {
  const folder = new Folder();
  for (let time = 0; time < times; time += 1) folder.start();
  return folder;
};

test("starts interrupted anywhere, any number of times in a row, never prevent the next start", () => {
  for (const before of [0, 1, 2]) {
    for (let first = 0; first < 5; first += 1) {
      for (let second = 0; second < 5; second += 1) {
        const folder = started(before);
        for (const writes of [first, second]) {
          folder.start({ writes });
          assert.deepEqual(judgeMarks(folder.marks), [], `${before} starts, interrupted after ${first} and ${second}`);
        }
        folder.start();
        assert.deepEqual(judgeMarks(folder.marks), []);
        assert.deepEqual(folder.marks.orders?.confirmed, folder.marks.payment?.start);
      }
    }
  }
});

test("a store from before the last start is detected, even after interrupted starts", () => {
  for (const writes of [0, 1, 2, 3, 4]) {
    const folder = started(2);
    const earlier = folder.marks;
    folder.start({ writes });
    folder.start();
    for (const name of names) {
      const [problem, more] = folder.with(name, earlier);
      const older = name === "orders" ? /^orders.db is older than stock.db/ : new RegExp(`^${name}.db is older than`);
      assert.match(problem ?? "", older, `interrupted after ${writes}`);
      assert.equal(more === undefined, name !== "orders");
    }
  }
});

test("an empty store next to non-empty ones is detected", () => {
  const folder = started(1);
  for (const name of names) {
    const [problem] = folder.with(name, new Folder().marks);
    assert.match(problem ?? "", new RegExp(`^${name}.db is empty or belongs to another system`));
  }
});

test("stores of one consistent backup belong together, and can be started", () => {
  const backup = started(3).copy("b");
  assert.deepEqual(judgeMarks(backup.marks), []);
  backup.start();
  assert.deepEqual(judgeMarks(backup.marks), []);
});

test("a store of another copy of the folder is detected, although both had the same number of starts", () => {
  const folder = started(1);
  const copy = folder.copy("b");
  folder.start();
  copy.start();
  assert.match(
    folder.with("payment", copy.marks)[0] ?? "",
    /^payment.db and orders.db are from different copies of this system/,
  );
});

test("a store of another system is detected", () => {
  const folder = started(1);
  const mark = { system: "s2", start: { number: 1, token: "a1", at: 1 } };
  assert.match(
    folder.with("stock", { ...folder.marks, stock: mark })[0] ?? "",
    /^stock.db and orders.db belong to different systems/,
  );
});

test("accepted problems are recorded, then no longer reported; an interruption makes them reported again", () => {
  const folder = started(2);
  const problems = folder.with("payment", new Folder().marks);
  folder.marks = { ...folder.marks, payment: undefined };
  for (const writes of [1, 2, 3, Infinity]) {
    folder.start({ writes, accepted: problems });
    if (judgeMarks(folder.marks).length === 0) break;
  }
  folder.start();
  assert.deepEqual(judgeMarks(folder.marks), []);
  assert.deepEqual(folder.marks.orders?.accepted?.at(-1)?.problems, problems);
});

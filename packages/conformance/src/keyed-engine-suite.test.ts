import type { ScanRange } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import type { Writes } from "assent/internal/engine";
import { type Broken, provesItself } from "../test-kit/catches.ts";
import { type Disk, DiskEngine, openDisk } from "../test-kit/model-disk.ts";
import type { EngineAdapter } from "./adapters.ts";
import { keyedEngineCases } from "./keyed-engine-suite.ts";

type Rows = readonly (readonly [key: string, value: Json])[];

function broken(
  that: string,
  Engine: new (disk: Disk) => DiskEngine,
  caughtBy: Broken<EngineAdapter>["caughtBy"],
): Broken<EngineAdapter> {
  return { that, open: openDisk((disk) => new Engine(disk)), caughtBy };
}

/** The writes, each table and key changed or left out. */
function changed(
  writes: Writes,
  change: (table: string, key: string, value: Json | undefined) => readonly [string, Json | undefined] | undefined,
): Writes {
  return new Map(
    [...writes].map(([table, changes]) => [
      table,
      new Map([...changes].map(([key, value]) => change(table, key, value)).filter((entry) => entry !== undefined)),
    ]),
  );
}

const crashes: readonly Broken<EngineAdapter>[] = [
  broken(
    "acknowledges before it is durable",
    class extends DiskEngine {
      #waiting: Writes[] = [];
      protected override write(writes: Writes): void {
        this.disk.push(...this.#waiting);
        this.#waiting = [writes];
      }
      override close(): void {
        this.disk.push(...this.#waiting);
        super.close();
      }
    },
    ["C3 a crash right after a commit loses nothing"],
  ),
  broken(
    "writes a batch table by table",
    class extends DiskEngine {
      protected override write(writes: Writes): void {
        for (const [table, changes] of writes) this.disk.push(new Map([[table, changes]]));
      }
    },
    ["C4 a crash inside a commit keeps each batch completely"],
  ),
  broken(
    "writes deletions after everything else",
    class extends DiskEngine {
      protected override write(writes: Writes): void {
        const puts = changed(writes, (_table, key, value) => (value === undefined ? undefined : [key, value]));
        const deletions = changed(writes, (_table, key, value) => (value === undefined ? [key, value] : undefined));
        this.disk.push(puts, deletions);
      }
    },
    ["C4 a crash inside a commit keeps each batch completely"],
  ),
  broken(
    "forgets deletions when it is opened again",
    class extends DiskEngine {
      protected override write(writes: Writes): void {
        super.write(changed(writes, (_table, key, value) => (value === undefined ? undefined : [key, value])));
      }
    },
    ["C3 committed data survives closing and opening"],
  ),
  broken(
    "keeps keys as another disk would spell them",
    class extends DiskEngine {
      protected override write(writes: Writes): void {
        super.write(changed(writes, (_table, key, value) => [key.split("\u0000")[0] ?? "", value]));
      }
    },
    ["C3 keys and values of any kind survive closing"],
  ),
  broken(
    "writes nothing any more once it has been opened again",
    class extends DiskEngine {
      readonly #isReopened: boolean;
      constructor(disk: Disk) {
        super(disk);
        this.#isReopened = disk.length > 0;
      }
      override commit(writes: Writes): void {
        if (!this.#isReopened) super.commit(writes);
      }
    },
    ["C3 work continues on the data after a crash", "C3 committed data survives closing"],
  ),
];

/** An engine whose scans are changed. */
const scanning = (change: (rows: Rows, range: ScanRange, all: Rows) => Rows): new (disk: Disk) => DiskEngine =>
  class extends DiskEngine {
    override scan(table: string, range: ScanRange): Rows {
      return change(super.scan(table, range), range, super.scan(table, { limit: 1_000_000 }));
    }
  };

/** An engine whose batches are changed. */
const committing = (
  change: (table: string, key: string, value: Json | undefined) => readonly [string, Json | undefined] | undefined,
): new (disk: Disk) => DiskEngine =>
  class extends DiskEngine {
    override commit(writes: Writes): void {
      super.commit(changed(writes, change));
    }
  };

const tables: readonly Broken<EngineAdapter>[] = [
  broken(
    "scans in the order of writing",
    class extends DiskEngine {
      readonly #order: string[] = [];
      override commit(writes: Writes): void {
        for (const changes of writes.values()) this.#order.push(...changes.keys());
        super.commit(writes);
      }
      override scan(table: string, range: ScanRange): Rows {
        return super.scan(table, range).toSorted(([a], [b]) => this.#order.indexOf(a) - this.#order.indexOf(b));
      }
    },
    ["a scan is in ascending key order"],
  ),
  broken(
    "sorts numbers as numbers",
    scanning((rows) => rows.toSorted(([a], [b]) => Number(a) - Number(b) || (a < b ? -1 : 1))),
    ["a scan is in ascending key order"],
  ),
  broken(
    "sorts by UTF-16",
    scanning((rows) => rows.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ["keys are arbitrary strings"],
  ),
  broken(
    "begins a scan at its lower bound",
    scanning((rows, { after, limit }, all) => {
      const first = all.find(([key]) => key === after);
      return first === undefined ? rows : [first, ...rows].slice(0, limit);
    }),
    ["both bounds of a scan are exclusive"],
  ),
  broken(
    "ends a scan at its upper bound",
    scanning((rows, { before }, all) => {
      const last = all.find(([key]) => key === before);
      return last === undefined ? rows : [...rows, last];
    }),
    ["both bounds of a scan are exclusive"],
  ),
  broken(
    "scans to the end",
    scanning((rows, { after, before }, all) => ((after ?? before) === undefined ? all : rows)),
    ["both bounds of a scan are exclusive, and it ends at its limit"],
  ),
  broken(
    "cannot delete",
    committing((_table, key, value) => (value === undefined ? undefined : [key, value])),
    ["C4 a batch is written as a whole", "random batches give the same contents as a Map", "tables are independent"],
  ),
  broken(
    "puts every table into one",
    class extends DiskEngine {
      override get(_table: string, key: string): Json | undefined {
        return super.get("any", key);
      }
      override scan(_table: string, range: ScanRange): Rows {
        return super.scan("any", range);
      }
      override commit(writes: Writes): void {
        for (const changes of writes.values()) super.commit(new Map([["any", changes]]));
      }
    },
    ["tables are independent"],
  ),
  broken(
    "takes null for nothing",
    committing((_table, key, value) => (value === null ? undefined : [key, value])),
    ["every JSON value survives a round trip"],
  ),
  broken(
    "finds what is inherited",
    class extends DiskEngine {
      override get(table: string, key: string): Json | undefined {
        return super.get(table, key) ?? (({} as Record<string, Json>)[key] as Json | undefined);
      }
      override commit(writes: Writes): void {
        super.commit(changed(writes, (_table, key, value) => (key === "__proto__" ? undefined : [key, value])));
      }
    },
    ["keys are arbitrary strings"],
  ),
  broken(
    "answers something for what is not there",
    class extends DiskEngine {
      override get(table: string, key: string): Json | undefined {
        return super.get(table, key) ?? null;
      }
    },
    ["a key that was never written is absent"],
  ),
];

provesItself(keyedEngineCases, {
  good: openDisk((disk) => new DiskEngine(disk)),
  broken: [...crashes, ...tables],
});

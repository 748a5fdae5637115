// An engine that writes to a model of a disk, so that acknowledged and durable data can be compared.
import type { EngineAdapter, Open } from "@assent/conformance";
import type { ScanRange } from "assent/internal/ports";
import type { Json } from "assent/internal/protocol";
import type { KeyedEngine, Writes } from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";

/** What a disk holds: batches, or parts of batches, oldest first. A crash may leave any beginning of it. */
export type Disk = Writes[];

function copyOf(writes: Writes): Writes {
  return new Map([...writes].map(([table, changes]) => [table, new Map(changes)]));
}

export class DiskEngine implements KeyedEngine {
  readonly durability = "D1";
  protected readonly disk: Disk;
  protected readonly memory: KeyedEngine = new MemoryEngine();

  constructor(disk: Disk) {
    this.disk = disk;
    for (const writes of disk) this.memory.commit(writes);
  }

  get(table: string, key: string): Json | undefined {
    return this.memory.get(table, key);
  }

  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    return this.memory.scan(table, range);
  }

  commit(writes: Writes): void {
    this.memory.commit(writes);
    this.write(copyOf(writes));
  }

  close(): void {
    this.memory.close();
  }

  protected write(writes: Writes): void {
    this.disk.push(writes);
  }
}

/** Opens an engine over a disk of its own; a crash leaves any beginning of that disk. */
export function openDisk(make: (disk: Disk) => KeyedEngine): Open<EngineAdapter> {
  return () => {
    const disk: Disk = [];
    const engine = make(disk);
    let current = engine;
    const adapter: EngineAdapter = {
      engine,
      reopen() {
        current.close();
        current = make(disk);
        return current;
      },
      *crashes() {
        for (let length = 0; length <= disk.length; length += 1) {
          const crashed = make(disk.slice(0, length));
          yield crashed;
          crashed.close();
        }
      },
    };
    return { adapter, close: () => current.close() };
  };
}

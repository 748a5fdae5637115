// The engine in memory; every commit is recorded and reported to a watcher.
import type { Json } from "assent/internal/protocol";
import { EngineFull, type Writes } from "assent/internal/engine";
import { MemoryEngine } from "assent/memory";

/** Called with each commit once it is durable. */
export type CommitWatcher = (writes: Writes) => void;

export class JournaledEngine extends MemoryEngine {
  readonly #commits: Writes[] = [];
  readonly #isFull: () => boolean;
  watcher: CommitWatcher | undefined;

  constructor(isFull: () => boolean) {
    super();
    this.#isFull = isFull;
  }

  get commits(): readonly Writes[] {
    return this.#commits;
  }

  override commit(writes: Writes): void {
    if (this.#isFull()) throw new EngineFull(undefined);
    const copy = new Map<string, ReadonlyMap<string, Json | undefined>>();
    for (const [table, changes] of writes) if (changes.size > 0) copy.set(table, new Map(changes));
    this.#keep(copy);
    this.watcher?.(copy);
  }

  #keep(writes: Writes): void {
    this.#commits.push(writes);
    super.commit(writes);
  }

  /** An engine without the newest commits of this one. */
  without(newest: number): JournaledEngine {
    const shorter = new JournaledEngine(this.#isFull);
    for (const writes of this.#commits.slice(0, Math.max(0, this.#commits.length - newest))) shorter.#keep(writes);
    return shorter;
  }
}

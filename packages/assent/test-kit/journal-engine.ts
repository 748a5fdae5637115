// The engine in memory with every commit remembered, so that a test can take its last commits away.
import type { Json } from "../src/protocol/index.ts";
import type { Writes } from "../src/engine/index.ts";
import { MemoryEngine } from "../src/memory/index.ts";

export class JournalEngine extends MemoryEngine {
  readonly #commits: Writes[] = [];

  override commit(writes: Writes): void {
    const copy = new Map<string, ReadonlyMap<string, Json | undefined>>();
    for (const [table, changes] of writes) copy.set(table, new Map(changes));
    this.#commits.push(copy);
    super.commit(writes);
  }

  get commits(): number {
    return this.#commits.length;
  }

  /** An engine that has only the first so many commits of this one. */
  upTo(commits: number): JournalEngine {
    const shorter = new JournalEngine();
    for (const writes of this.#commits.slice(0, commits)) shorter.commit(writes);
    return shorter;
  }
}

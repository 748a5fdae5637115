// Memory of the calling thread's heap that V8 keeps for later.

/**
 * Collects everything that is garbage and returns the pages to the operating system. V8 does neither by itself for a
 * thread that does nothing. Only where the process was started with --expose-gc; elsewhere it does nothing.
 */
export function releaseHeap(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

// What is served under which name. The one that came last gets the messages; when it stops, the one before gets them
// again. So a new instance can start before the old one stops.

export class ServedNames<Served> {
  readonly #served = new Map<string, readonly Served[]>();

  get(name: string): Served | undefined {
    return this.#served.get(name)?.at(-1);
  }

  /** Serves a name from now on. Returns how to stop. */
  add(name: string, served: Served): () => void {
    this.#served.set(name, [...(this.#served.get(name) ?? []), served]);
    return () => {
      const left = (this.#served.get(name) ?? []).filter((each) => each !== served);
      if (left.length === 0) this.#served.delete(name);
      else this.#served.set(name, left);
    };
  }
}

// What has been opened so far, closed in the reverse order, once.

type Close = () => void | Promise<void>;

export class Closing {
  readonly #closers: Close[];
  #closed: Promise<void> | undefined;

  constructor(last: Close) {
    this.#closers = [last];
  }

  /** To be closed before all that was opened earlier. */
  first(close: Close): void {
    this.#closers.unshift(close);
  }

  /** Closes what has been opened when opening the rest fails, and passes its error on. */
  async unlessFailing<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "not everything could be closed");
  }
}

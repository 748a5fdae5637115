// The tables as a handler sees them, valid only during its step. A handler that continues afterwards would write into
// another transaction's step.
import type { ScanRange, Tables } from "../ports/index.ts";
import type { Json } from "../protocol/index.ts";

export class StepView implements Tables {
  #tables: Tables | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** The step is over. */
  close(): void {
    this.#tables = undefined;
  }

  get(table: string, key: string): Json | undefined {
    return this.#open().get(table, key);
  }

  put(table: string, key: string, value: Json): void {
    this.#open().put(table, key, value);
  }

  delete(table: string, key: string): void {
    this.#open().delete(table, key);
  }

  scan(table: string, range: ScanRange): readonly (readonly [key: string, value: Json])[] {
    return this.#open().scan(table, range);
  }

  #open(): Tables {
    if (this.#tables === undefined) throw new Error("the step of this handler is over: handlers are synchronous");
    return this.#tables;
  }
}

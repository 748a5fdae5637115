// The tables as a handler sees them, valid only during its step. A handler that continues afterwards would write into
// another transaction's step.
import type { ScanRange, ScannedTable, Table, Tables } from "../ports/index.ts";

export class StepView implements Tables {
  #tables: Tables | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** The step is over. */
  close(): void {
    this.#tables = undefined;
  }

  get<Row>(table: Table<Row>, key: string): Row | undefined {
    return this.#open().get(table, key);
  }

  put<Row>(table: Table<Row>, key: string, row: NoInfer<Row>): void {
    this.#open().put(table, key, row);
  }

  delete(table: Table, key: string): void {
    this.#open().delete(table, key);
  }

  scan<Row>(table: ScannedTable<Row>, range: ScanRange): readonly (readonly [key: string, row: Row])[] {
    return this.#open().scan(table, range);
  }

  #open(): Tables {
    if (this.#tables === undefined) throw new Error("the step of this handler is over: handlers are synchronous");
    return this.#tables;
  }
}

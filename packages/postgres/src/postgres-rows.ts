// The port `RowStore`: the rows beside the log.
import { changeRowStep, freshRow } from "assent/internal/engine";
import type { Row, RowChange, RowStore, RowWrite } from "assent/internal/ports";
import type { JsonObject } from "assent/internal/protocol";
import type { Database } from "./database.ts";
import type { LogStatements } from "./log-statements.ts";
import { columnsOfRow, rowOfColumns } from "./stored-log.ts";
import { storedText } from "./stored-text.ts";

export interface RowOptions {
  readonly database: Database<unknown>;
  readonly statements: LogStatements;
  readonly coordinator: string;
}

export class PostgresRows implements RowStore {
  readonly #database: Database<unknown>;
  readonly #statements: LogStatements;
  readonly #coordinator: string;

  constructor({ database, statements, coordinator }: RowOptions) {
    this.#database = database;
    this.#statements = statements;
    this.#coordinator = storedText(coordinator);
  }

  putRow(key: string, incarnation: string, fields: JsonObject): Promise<void> {
    return this.putRows(incarnation, [[key, fields]]);
  }

  async putRows(incarnation: string, rows: readonly (readonly [key: string, fields: JsonObject])[]): Promise<void> {
    // Of a key that is given twice, the last one counts; and all who put rows lock them in one order.
    const columns = [...new Map(rows)]
      .map(([key, fields]) => columnsOfRow(freshRow(key, incarnation, fields)))
      .sort((a, b) => (String(a["key"]) < String(b["key"]) ? -1 : 1));
    const parameters = [this.#coordinator, JSON.stringify(columns)];
    await this.#database.transaction(async (transaction) => {
      await transaction.query(this.#statements.putRows, parameters);
      return { result: undefined, writes: true };
    });
  }

  async readRow(key: string): Promise<Row | undefined> {
    const [columns] = await this.#database.read(this.#statements.readRow, [this.#coordinator, storedText(key)]);
    return columns && rowOfColumns(columns);
  }

  changeRow(key: string, change: RowChange): Promise<RowWrite> {
    return this.#database.transaction<RowWrite>(async (transaction) => {
      const [found] = await transaction.query(this.#statements.lockRow, [this.#coordinator, storedText(key)]);
      const columns = found?.["row"] as JsonObject | null | undefined;
      const write = changeRowStep(columns ? rowOfColumns(columns) : undefined, change);
      if (write.kind !== "changed") return { result: write, writes: false };
      await transaction.query(this.#statements.putRows, [this.#coordinator, JSON.stringify([columnsOfRow(write.row)])]);
      return { result: write, writes: true };
    });
  }
}

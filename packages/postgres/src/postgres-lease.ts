// The port `Lease`, by store time.
import { grantAfter, grantAfterRelease, isInForce, lapsedKeptMs } from "assent/internal/engine";
import type { Lease, LeaseGrant } from "assent/internal/ports";
import type { JsonObject } from "assent/internal/protocol";
import { type Database, Overtaken, type SqlTransaction } from "./database.ts";
import type { LogStatements } from "./log-statements.ts";
import { leasesRemovedMax } from "./postgres-limits.ts";
import { columnsOfGrant, grantOfColumns } from "./stored-log.ts";
import { storedText } from "./stored-text.ts";

export interface LeaseOptions {
  readonly database: Database<unknown>;
  readonly statements: LogStatements;
  readonly coordinator: string;
  /** Store time in place of the server's, for tests. */
  readonly storeTime?: (() => number) | undefined;
}

interface FoundGrant {
  readonly now: number;
  readonly grant: LeaseGrant | undefined;
}

export class PostgresLease implements Lease {
  readonly #options: LeaseOptions;
  readonly #coordinator: string;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#coordinator = storedText(options.coordinator);
  }

  acquire(name: string, holder: string, ttlMs: number): Promise<LeaseGrant> {
    const { database, statements } = this.#options;
    return database.transaction(async (transaction) => {
      const { now, grant } = await this.#locked(transaction, name);
      const next = grantAfter(grant, { holder, ttlMs }, now);
      if (next === grant) return { result: grant, writes: false };
      if (grant !== undefined) {
        await transaction.query(statements.putLease, this.#given(name, next));
      } else {
        const added = await transaction.query(statements.addLease, this.#given(name, next));
        if (added.length === 0) throw new Overtaken();
        const lapsedBefore = String(now - lapsedKeptMs);
        await transaction.query(statements.removeLeases, [this.#coordinator, lapsedBefore, String(leasesRemovedMax)]);
      }
      return { result: next, writes: true };
    });
  }

  release(name: string, holder: string): Promise<void> {
    const { database, statements } = this.#options;
    return database.transaction(async (transaction) => {
      const { now, grant } = await this.#locked(transaction, name);
      const released = grantAfterRelease(grant, holder, now);
      if (released !== undefined) await transaction.query(statements.putLease, this.#given(name, released));
      return { result: undefined, writes: released !== undefined };
    });
  }

  async current(name: string): Promise<LeaseGrant | undefined> {
    const { database, statements } = this.#options;
    const [found] = await database.read(statements.readLease, [this.#coordinator, storedText(name)]);
    const { now, grant } = this.#found(found);
    return isInForce(grant, now) ? grant : undefined;
  }

  async #locked(transaction: SqlTransaction<unknown>, name: string): Promise<FoundGrant> {
    const [found] = await transaction.query(this.#options.statements.lockLease, [this.#coordinator, storedText(name)]);
    return this.#found(found);
  }

  #found(found: JsonObject | undefined): FoundGrant {
    const columns = found?.["grant"] as JsonObject | null | undefined;
    return {
      now: this.#options.storeTime?.() ?? Number(found?.["now"]),
      grant: columns ? grantOfColumns(columns) : undefined,
    };
  }

  #given(name: string, grant: LeaseGrant): readonly string[] {
    return [this.#coordinator, JSON.stringify([columnsOfGrant(name, grant)])];
  }
}

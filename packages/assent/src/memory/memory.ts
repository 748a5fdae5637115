// A database in memory, for services and coordinators in tests, examples and first steps. It survives nothing, but it
// outlives those who use it: what is opened over it again finds what was left.
import { applyAsyncCommand, failedAnswer, type OpenBranches, type ServiceStoreOptions } from "../participant/index.ts";
import { BatchTables, branchRecords, sweepBranches } from "../engine/index.ts";
import type { BranchFailure, CoordinatorStoreOptions, OpenLog, Tables } from "../ports/index.ts";
import type { ServiceStore } from "../participant/index.ts";
import type { CoordinatorStore } from "../ports/index.ts";
import type { Answer, Command } from "../protocol/index.ts";
import { MemoryEngine } from "./memory-engine.ts";
import { memoryLog } from "./memory-store.ts";

export interface MemoryDatabase<Row> extends ServiceStore<Map<string, Row>>, CoordinatorStore {
  /** The rows as they are committed. */
  readonly rows: ReadonlyMap<string, Row>;
}

/** Rows by key: what handlers get as `db`. A handler has the database for itself while it runs. */
export function memory<Row>(rows: Iterable<readonly [key: string, row: Row]> = []): MemoryDatabase<Row> {
  return new Memory(rows);
}

/** Whether a store answers without waiting for anything but its handlers. */
export function isInMemory(store: object): boolean {
  return store instanceof Memory;
}

class Memory<Row> implements MemoryDatabase<Row> {
  readonly #rows: Map<string, Row>;
  readonly #services = new Map<string, MemoryEngine>();
  readonly #logs = new Map<string, MemoryEngine>();
  /** The transaction at work, and those that wait for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(rows: Iterable<readonly [key: string, row: Row]>) {
    this.#rows = new Map(rows);
  }

  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  openBranches(options: ServiceStoreOptions<Map<string, Row>>): Promise<OpenBranches> {
    const engine = engineOf(this.#services, options.service);
    const { limits, clock } = options;
    return Promise.resolve({
      branches: {
        apply: (commands, onFailure) =>
          Promise.all(commands.map((command) => this.#apply(engine, command, { options, onFailure }))),
        sweep: (limit) =>
          this.#alone(() => {
            const tables = new BatchTables(engine);
            const swept = sweepBranches(tables, limit, { now: clock.now(), limits });
            engine.commit(tables.writes);
            return Promise.resolve(swept);
          }),
      },
      close: () => Promise.resolve(),
    });
  }

  openLog({ coordinator, limits, clock }: CoordinatorStoreOptions): Promise<OpenLog> {
    const engine = engineOf(this.#logs, coordinator);
    const { log } = memoryLog({ clock, limits, engine, schedule: queueMicrotask });
    return Promise.resolve({ log, close: () => Promise.resolve() });
  }

  #apply(
    engine: MemoryEngine,
    command: Command,
    about: {
      readonly options: ServiceStoreOptions<Map<string, Row>>;
      readonly onFailure: ((failure: BranchFailure) => void) | undefined;
    },
  ): Promise<Answer> {
    const { options, onFailure } = about;
    return this.#alone(() => this.#step(engine, command, options)).catch((error: unknown) =>
      failedAnswer(error, { command, code: "step_failed", onFailure }),
    );
  }

  /** Handlers work on a copy of the rows, so that one that failed or was too slow changes nothing, now or later. */
  async #step(
    engine: MemoryEngine,
    command: Command,
    { handler, limits, clock }: ServiceStoreOptions<Map<string, Row>>,
  ): Promise<Answer> {
    const tables: Tables & Pick<BatchTables, "writes"> = new BatchTables(engine);
    const records = branchRecords(tables, limits);
    const db = structuredClone(this.#rows);
    const answer = await applyAsyncCommand(command, {
      records: {
        read: (txId, branchId) => Promise.resolve(records.read(txId, branchId)),
        write: (record, before) => Promise.resolve(records.write(record, before)),
      },
      db,
      undo: () => Promise.resolve(replace(db, structuredClone(this.#rows))),
      handler,
      limits,
      clock,
      now: clock.now(),
    });
    const rows = structuredClone(db);
    engine.commit(tables.writes);
    replace(this.#rows, rows);
    return answer;
  }

  /** One transaction at a time. */
  #alone<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(act, act);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function engineOf(engines: Map<string, MemoryEngine>, name: string): MemoryEngine {
  const engine = engines.get(name) ?? new MemoryEngine();
  engines.set(name, engine);
  return engine;
}

function replace<Row>(rows: Map<string, Row>, by: ReadonlyMap<string, Row>): void {
  rows.clear();
  for (const [key, row] of by) rows.set(key, row);
}

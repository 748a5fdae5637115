// The port `BranchStore` over the user's database: a command, its record and what its handler does are one transaction.
import { compareKeys, StoreFailure } from "assent/internal/engine";
import { isDeepStrictEqual } from "node:util";
import {
  applyAsyncCommand,
  type AsyncBranchHandler,
  failedAnswer,
  HandlerFailed,
  type StepHandle,
  stepHandle,
} from "assent/internal/participant";
import type { BranchFailure, BranchStore, BranchSweep, Clock } from "assent/internal/ports";
import {
  type Answer,
  type Command,
  InvariantViolation,
  type JsonObject,
  type Limits,
  type Question,
  verbRole,
} from "assent/internal/protocol";
import type { BranchStatements } from "./branch-statements.ts";
import { endedOrLossy } from "./log-statements.ts";
import { causesOf, type Database, type Done, isWaitFailure, Overtaken, type SqlTransaction } from "./database.ts";
import { branchOfColumns, columnsOfBranch, type FoundBranch, placeOf } from "./stored-branch.ts";
import { storedText } from "./stored-text.ts";

export interface BranchesOptions<Db> {
  readonly database: Database<Db>;
  readonly statements: BranchStatements;
  readonly service: string;
  readonly handler: AsyncBranchHandler<Db>;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Store time in place of the server's, for tests. */
  readonly storeTime?: (() => number) | undefined;
}

/** A branch whose record, or the place for one, is locked. */
interface Locked {
  readonly now: number;
  readonly found: FoundBranch | undefined;
  /** The database transaction. */
  readonly transaction: string;
}

const keptByHandler = "what it committed itself is kept and cannot be undone, and no refusal is recorded";

type OnFailure = ((failure: BranchFailure) => void) | undefined;

export class PostgresBranches<Db> implements BranchStore {
  readonly #options: BranchesOptions<Db>;
  readonly #service: string;
  /** Commands under way, by branch: copies wait here, and hold no connection. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(options: BranchesOptions<Db>) {
    this.#options = options;
    this.#service = storedText(options.service);
  }

  apply(commands: readonly Command[], onFailure?: OnFailure): Promise<readonly Answer[]> {
    return Promise.all(commands.map((command) => this.#inTurn(command, onFailure)));
  }

  sweep(limit: number): Promise<BranchSweep> {
    const { database, statements, limits, storeTime } = this.#options;
    return database.transaction(async (transaction) => {
      const [found] = await transaction.query(statements.now, []);
      const now = storeTime?.() ?? Number(found?.["now"]);
      const range = [String(now), String(now + limits.askAfterMs), String(limit)];
      const asking = await transaction.query(statements.asking, [this.#service, ...range]);
      const room = String(limit - asking.length);
      const removed = await transaction.query(statements.removeOld, [this.#service, String(now), room]);
      const looked = asking.length + removed.length;
      return { result: { questions: questionsOf(asking), more: looked === limit }, writes: looked > 0 };
    });
  }

  async #inTurn(command: Command, onFailure: OnFailure): Promise<Answer> {
    const branch = JSON.stringify([command.txId, command.branchId]);
    const before = this.#underWay.get(branch);
    const answer = (before ?? Promise.resolve()).then(() => this.#answer(command, onFailure));
    this.#underWay.set(branch, answer);
    try {
      return await answer;
    } finally {
      if (this.#underWay.get(branch) === answer) this.#underWay.delete(branch);
    }
  }

  /** Never rejects. */
  async #answer(command: Command, onFailure: OnFailure): Promise<Answer> {
    try {
      return await this.#options.database.transaction((transaction) => this.#step(command, transaction));
    } catch (error) {
      const code = error instanceof StoreFailure ? error.code : "step_failed";
      const isKnown = error instanceof StoreFailure && error.changed === "nothing";
      if (isKnown && isWaitFailure(error)) {
        // Others are in the way of the handler. Nothing was changed, so a reservation may be tried again (P10).
        return command.verb === "prepare" ? { kind: "contended" } : { kind: "unknown", reason: code };
      }
      const bug = causesOf(error).find(
        (cause) => cause instanceof HandlerFailed || cause instanceof InvariantViolation,
      );
      return failedAnswer(bug, { command, code, onFailure });
    }
  }

  async #step(command: Command, transaction: SqlTransaction<Db>): Promise<Done<Answer>> {
    const { handler, limits, clock, statements } = this.#options;
    let locked = await this.#locked(command, transaction);
    let hasWritten = false;
    const step: StepHandle<Db> = stepHandle(transaction.handle);
    try {
      const result = await applyAsyncCommand(command, {
        records: {
          read: () => Promise.resolve(locked.found?.record),
          write: async (record) => {
            hasWritten = true;
            step.close();
            const columns = JSON.stringify(columnsOfBranch(record, locked.found, limits));
            const parameters = [...this.#nameOf(command), columns, locked.transaction];
            const written = await transaction.query(statements.write, parameters);
            if (written.length === 0) throw new HandlerFailed(`the handler has ${endedOrLossy}`);
          },
        },
        db: step.handle,
        // What the handler did is gone with its locks, so another command may have been faster.
        undo: async () => {
          step.close();
          await this.#undo(transaction, locked.transaction);
          const before = locked.found;
          locked = await this.#locked(command, transaction);
          if (!isDeepStrictEqual(locked.found, before)) throw new Overtaken();
        },
        handler,
        limits,
        now: locked.now,
        clock,
      });
      return { result, writes: hasWritten };
    } finally {
      step.close();
    }
  }

  /**
   * Rolls back and begins again.
   * @throws {HandlerFailed} where the handler has ended the transaction `name`: what it committed cannot be undone
   */
  async #undo(transaction: SqlTransaction<Db>, name: string): Promise<void> {
    const { current, fate } = this.#options.statements;
    const ended = new HandlerFailed(`the handler has ended its transaction and then refused: ${keptByHandler}`);
    // A transaction in which a statement has failed reports no name, and its fate shows only once it is over.
    const [found] = await transaction.query(current, []).catch(() => [undefined]);
    if (found !== undefined && found["transaction"] !== name) throw ended;
    await transaction.restart();
    if (found !== undefined) return;
    const [past] = await transaction.query(fate, [name]);
    if (past?.["status"] === "committed") throw ended;
  }

  /** Most votes are the first command of their branch, and most others are not. */
  async #locked(command: Command, transaction: SqlTransaction<Db>): Promise<Locked> {
    if (verbRole(command.verb) !== "vote") {
      const { lock } = this.#options.statements;
      const locked = this.#lockedOf(await transaction.query(lock, this.#nameOf(command)));
      if (locked.found !== undefined) return locked;
    }
    const place = JSON.stringify(placeOf(command));
    return this.#lockedOf(await transaction.query(this.#options.statements.take, [this.#service, place]));
  }

  #nameOf({ txId, branchId }: Command): readonly string[] {
    return [this.#service, storedText(txId), storedText(branchId)];
  }

  #lockedOf([found = {}]: readonly JsonObject[]): Locked {
    const record = found["record"] as JsonObject | null | undefined;
    return {
      now: this.#options.storeTime?.() ?? Number(found["now"]),
      found: record ? branchOfColumns(record) : undefined,
      transaction: found["transaction"] as string,
    };
  }
}

/** Those that have waited longest first. */
function questionsOf(asking: readonly JsonObject[]): readonly Question[] {
  const due = asking.map(({ dueAt, record }) => ({
    dueAt: Number(dueAt),
    found: branchOfColumns(record as JsonObject),
  }));
  const nameOf = ({ found }: (typeof due)[number]): string => `${found?.record.txId}/${found?.record.branchId}`;
  return due
    .sort((a, b) => a.dueAt - b.dueAt || compareKeys(nameOf(a), nameOf(b)))
    .flatMap(({ found }) => {
      if (found?.record.origin === undefined) return [];
      const { txId, branchId, protocol, epoch, begunAt, origin } = found.record;
      return [{ txId, branchId, protocol, epoch, begunAt, origin }];
    });
}

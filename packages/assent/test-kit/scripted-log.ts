// A log whose answers a test can spoil: the write happens and the reply is lost, or it does not happen at all. Either
// way the caller hears a rejection, and may conclude nothing (C2).
import type { TransactionLog } from "../src/ports/index.ts";

/** `refused`: the log reports that nothing was written. */
export type LogFault = "reply_lost" | "not_written" | "refused";
export type LogMethod = keyof TransactionLog;

export class ScriptedLog {
  /** Faults still to come, by method, next first. */
  readonly faults = new Map<LogMethod, LogFault[]>();
  /** Calls so far, in order. */
  readonly calls: LogMethod[] = [];
  /** Called after every call of the log below has been answered, before the caller hears of it. */
  answered: (method: LogMethod) => Promise<void> = () => Promise.resolve();

  failNext(method: LogMethod, ...faults: LogFault[]): void {
    this.faults.set(method, [...(this.faults.get(method) ?? []), ...faults]);
  }

  over(log: () => TransactionLog): TransactionLog {
    return {
      begin: (request) => this.#call("begin", () => log().begin(request)),
      decide: (request) => this.#call("decide", () => log().decide(request)),
      end: (request) => this.#call("end", () => log().end(request)),
      takeOver: (request) => this.#call("takeOver", () => log().takeOver(request)),
      park: (request) => this.#call("park", () => log().park(request)),
      read: (txId) => this.#call("read", () => log().read(txId)),
      peek: (key) => this.#call("peek", () => log().peek(key)),
      owners: (after, limit) => this.#call("owners", () => log().owners(after, limit)),
      unfinished: (owner, range) => this.#call("unfinished", () => log().unfinished(owner, range)),
      history: (txId) => this.#call("history", () => log().history(txId)),
      rebuild: (record) => this.#call("rebuild", () => log().rebuild(record)),
      sweep: (limit) => this.#call("sweep", () => log().sweep(limit)),
      remove: (places) => this.#call("remove", () => log().remove(places)),
      postpone: (places) => this.#call("postpone", () => log().postpone(places)),
    };
  }

  async #call<T>(method: LogMethod, work: () => Promise<T>): Promise<T> {
    this.calls.push(method);
    const fault = this.faults.get(method)?.shift();
    if (fault === "refused") throw Object.assign(new Error(`${method} was refused`), { changed: "nothing" });
    if (fault === "not_written") throw new Error(`${method} was not written`);
    const result = await work();
    if (fault === "reply_lost") throw new Error(`the reply to ${method} was lost`);
    await this.answered(method);
    return result;
  }
}

// A store on another thread, as seen from here. Operations asked for in one turn travel as one message.
import { type AnyOperation, Gathering } from "assent/internal/ports";
import { nextTurn, systemClock } from "assent/node";
import { Executor, type StepCall, StoreClosed, StoreFailure } from "assent/internal/engine";
import { Worker } from "node:worker_threads";
import { type CallHandler, PortCalls } from "./port-calls.ts";
import type { StoreCopy } from "./store-copy.ts";
import type { StoreReply } from "./store-host.ts";

/** The young generation of a store's thread. The default grows to several times this size under load. */
export const youngGenerationMegabytes = 24;

interface PendingCall extends StepCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: StoreFailure) => void;
}

export interface StoreClientOptions {
  /** The module that calls `hostStore`. */
  readonly module: URL;
  readonly workerData: unknown;
  /** Channels that the store's thread may call. */
  readonly channels?: Readonly<Record<string, CallHandler>>;
  /** Operations that no caller waits for, and how long they may wait for a commit to share. */
  readonly unwaitedFor?: { readonly operations: readonly AnyOperation[]; readonly companyWaitMs: number };
  /** Called when the thread ends on its own. */
  readonly onFailed: (error: Error) => void;
}

export class StoreClient extends Executor {
  readonly #worker: Worker;
  readonly #calls: PortCalls;
  readonly #gathering: Gathering<PendingCall>;
  readonly #unwaitedFor: ReadonlySet<string>;
  #closing = false;

  constructor(options: StoreClientOptions) {
    super();
    const { operations = [], companyWaitMs = 0 } = options.unwaitedFor ?? {};
    this.#unwaitedFor = new Set(operations.map(({ name }) => name));
    this.#gathering = new Gathering({
      send: (batch) => void this.#send(batch),
      schedule: nextTurn,
      clock: systemClock,
      companyWaitMs,
    });
    this.#worker = new Worker(options.module, {
      workerData: options.workerData,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMegabytes },
    });
    this.#calls = new PortCalls(this.#worker, options.channels ?? {});
    // An error is followed by the exit: the first of the two is reported.
    let reported = false;
    this.#worker.on("error", (error) => {
      reported = true;
      this.#calls.closed(`the store's thread failed: ${String(error)}`);
      // Its file is closed while the thread still runs: errors of its later calls are ignored.
      if (this.#closing) return;
      options.onFailed(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on("exit", (code) => {
      if (reported) return;
      this.#calls.closed("the store's thread has ended");
      if (!this.#closing) options.onFailed(new Error(`the store's thread ended with code ${code}`));
    });
  }

  perform(call: StepCall): Promise<unknown> {
    if (this.#closing) return Promise.reject(new StoreClosed());
    return new Promise((resolve, reject) => {
      this.#gathering.add({ ...call, resolve, reject }, { mayWait: this.#unwaitedFor.has(call.name) });
    });
  }

  /** Calls another channel of the store's thread. Undefined when it did not answer: nothing may be concluded. */
  async send(channel: string, message: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#closing) return undefined;
    try {
      const answer = await this.#calls.call(channel, message);
      return answer instanceof Uint8Array ? answer : undefined;
    } catch (error) {
      // The thread ended while the call was under way.
      if (this.#closing) return undefined;
      throw error;
    }
  }

  /** Copies the file as it is at the moment that all parties share. @throws {CallFailed} */
  async copy(request: StoreCopy): Promise<void> {
    await this.#calls.call("copy", request);
  }

  /** For an orderly stop: sends what is held back; from now on nothing is held back. */
  drain(): void {
    this.#gathering.drain();
  }

  /** Closes the file and ends the thread, after everything that was asked for before; refuses what comes later. */
  async close(): Promise<void> {
    this.#closing = true;
    this.drain();
    await this.#calls.call("close", undefined);
    await this.#worker.terminate();
  }

  async #send(batch: readonly PendingCall[]): Promise<void> {
    try {
      const message = JSON.stringify(batch.map(({ name, input, once }) => ({ name, input, once })));
      // The thread answers as `hostStore` does, from the same version.
      const replies = JSON.parse((await this.#calls.call("run", message)) as string) as readonly StoreReply[];
      batch.forEach((call, index) => settle(call, replies[index]));
    } catch (cause) {
      const message = `the store did not answer; what was changed is not known: ${String(cause)}`;
      for (const call of batch) call.reject(new StoreFailure("store_broken", message, { cause }));
    }
  }
}

function settle(call: PendingCall, reply: StoreReply | undefined): void {
  if (reply === undefined) call.reject(new StoreFailure("store_broken", "the store answered too little"));
  else if (reply.ok) call.resolve(reply.result);
  else call.reject(new StoreFailure(reply.code, reply.message));
}

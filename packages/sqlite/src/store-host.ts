// The thread that owns a store's file: answers operations, and whatever else its composition lets it answer.
import { nextTurn, releaseHeap, Rest, systemClock } from "assent/node";
import type { Clock } from "assent/internal/ports";
import {
  type BoundOperations,
  type Executor,
  GroupCommitExecutor,
  type StepCall,
  StoreFailure,
} from "assent/internal/engine";
import type { MessagePort } from "node:worker_threads";
import { type CallHandler, PortCalls } from "./port-calls.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import { meet, type StoreCopy } from "./store-copy.ts";

export type StoreReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: StoreFailure["code"]; readonly message: string };

/** Keys that a store at rest moves to its tables in one turn: a call that arrives meanwhile waits for one turn only. */
const settledKeysMax = 1_024;

export interface StoreHostOptions {
  readonly port: MessagePort;
  readonly path: string;
  readonly operations: BoundOperations;
  /** Notices rest by this clock; left out, by the machine's. */
  readonly restClock?: Clock;
  /** Further channels, such as a participant's commands. */
  readonly channels?: (executor: Executor) => Readonly<Record<string, CallHandler>>;
}

export interface StoreHost {
  readonly executor: Executor;
  /** Calls to the thread that started this one. */
  readonly calls: PortCalls;
}

/** Opens the file and serves it until the port closes. */
export function hostStore(options: StoreHostOptions): StoreHost {
  const engine = new SqliteEngine(options.path);
  const executor = new GroupCommitExecutor({
    engine,
    operations: options.operations,
    now: () => systemClock.now(),
    schedule: nextTurn,
    // Crash, and let recovery find out what was written: going on would build on something unknown.
    onBroken: (error) =>
      setImmediate(() => {
        throw error;
      }),
  });
  const rest = restOf(engine, options.restClock ?? systemClock);
  rest.start();
  const running = new Set<Promise<unknown>>();
  const tracked =
    (handler: CallHandler): CallHandler =>
    async (payload) => {
      const answer = handler(payload);
      running.add(answer);
      try {
        return await answer;
      } finally {
        running.delete(answer);
      }
    };
  const run = tracked(async (payload) => {
    // `StoreClient` sends nothing else, from the same version.
    const calls = JSON.parse(payload as string) as readonly StepCall[];
    return JSON.stringify(await Promise.all(calls.map((call) => settle(executor, call))));
  });
  const close = async (): Promise<undefined> => {
    // What was asked for before has been received, but perhaps not committed yet.
    await Promise.allSettled(running);
    rest.stop();
    engine.close();
  };
  // Synchronous from the meeting to the end of the copy: no commit comes in between.
  const copy = tracked(async (payload) => {
    // `StoreClient.copy` sends nothing else.
    meet(payload as StoreCopy);
    engine.copyTo((payload as StoreCopy).path);
    return undefined;
  });
  const channels = Object.entries(options.channels?.(executor) ?? {}).map(([name, handler]) => [
    name,
    tracked(handler),
  ]);
  const calls = new PortCalls(options.port, { run, close, copy, ...Object.fromEntries(channels) });
  return { executor, calls };
}

/** At rest a store moves everything to its tables, in small steps, and gives back the memory that it worked with. */
function restOf(engine: SqliteEngine, clock: Clock): Rest {
  const settleFrom = (committed: number): void => {
    // It works again, or was closed meanwhile.
    if (engine.keysCommitted !== committed || !engine.isOpen) return;
    if (engine.settle(settledKeysMax)) {
      nextTurn(() => settleFrom(committed));
      return;
    }
    engine.releaseCache();
    releaseHeap();
  };
  return new Rest({ clock, work: () => engine.keysCommitted, onRest: () => settleFrom(engine.keysCommitted) });
}

async function settle(executor: Executor, call: StepCall): Promise<StoreReply> {
  try {
    return { ok: true, result: await executor.perform(call) };
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}

// Takes part: the actions of a service, over its own database.
import { type AsyncBranchHandler, Participant, type ServiceStore } from "../participant/index.ts";
import type { Bus } from "../ports/index.ts";
import { branchHandlerOf, type UntypedHandlers } from "./branch-handlers.ts";
import type { ServiceHandlers } from "./handlers.ts";
import type { Closable } from "./closable.ts";
import { Closing } from "./closing.ts";
import { type Actions, contractOf, type Service } from "./service.ts";
import { type Surroundings, surroundingsOf } from "./surroundings.ts";

export interface ServeOptions<Db> extends Surroundings {
  /** The service's own database, which keeps the records of its branches, too. */
  readonly store: ServiceStore<Db>;
  readonly bus: Bus;
}

/** A service that takes part. */
export interface Served extends Closable {
  /** Takes no more commands, finishes those at work, and gives back what it has opened. */
  close(): Promise<void>;
}

/** Serves the actions of a service until it is closed. Rejects when the store or the bus cannot be used. */
export function serve<A extends Actions, Db>(
  declared: Service<A>,
  options: ServeOptions<Db>,
  handlers: ServiceHandlers<A, Db>,
): Promise<Served> {
  const { name, actions } = contractOf(declared);
  const handler = branchHandlerOf(actions, handlers as unknown as Readonly<Record<string, UntypedHandlers>>);
  return serveBranches(name, handler, options);
}

/** The same with a handler of the protocol's own operations. */
export async function serveBranches<Db>(
  name: string,
  handler: AsyncBranchHandler<Db>,
  { store, bus, ...rest }: ServeOptions<Db>,
): Promise<Served> {
  const surroundings = surroundingsOf(rest);
  const opened = await store.openBranches({ service: name, handler, ...surroundings });
  const closing = new Closing(() => opened.close());
  return closing.unlessFailing(async () => {
    const connection = await bus.connect(surroundings);
    const atWork = new Set<Promise<unknown>>();
    closing.first(async () => {
      await connection.close();
      await Promise.allSettled(atWork);
    });
    const participant = new Participant({ ...surroundings, store: opened.branches, questions: connection.questions });
    closing.first(() => participant.stop());
    await connection.serveCommands(name, (message) => {
      const handled = participant.handle(message);
      atWork.add(handled);
      return handled.finally(() => atWork.delete(handled));
    });
    participant.start();
    const close = (): Promise<void> => closing.close();
    return { close, [Symbol.asyncDispose]: close };
  });
}

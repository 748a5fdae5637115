// The store of a served service: faults strike its handler, the states of its branches are noted, and time stands
// still while it is at work.
import type { OpenBranches, ServiceStore } from "../participant/index.ts";
import { isInMemory } from "../memory/memory.ts";
import type { BranchBook } from "./branch-book.ts";
import { faultyHandler } from "./faulty-handler.ts";
import type { Faults } from "./faults.ts";
import type { StillTime } from "./still-time.ts";

export interface WatchedStoreOptions {
  readonly faults: Faults;
  readonly book: BranchBook;
  readonly still: StillTime;
}

export function watchedStore<Db>(
  store: ServiceStore<Db>,
  { faults, book, still }: WatchedStoreOptions,
): ServiceStore<Db> {
  // In memory nothing waits but a handler, and how long that may take is a matter of virtual time.
  const during = <T>(work: Promise<T>): Promise<T> => (isInMemory(store) ? work : still.during(work));
  return {
    async openBranches(options): Promise<OpenBranches> {
      const handler = faultyHandler(options.handler, faults);
      const opened = await during(store.openBranches({ ...options, handler }));
      const { branches } = opened;
      return {
        branches: {
          async apply(commands, onFailure) {
            const answers = await during(branches.apply(commands, onFailure));
            commands.forEach((command, index) => {
              const answer = answers[index];
              if (answer !== undefined) book.record(options.service, command, answer);
            });
            return answers;
          },
          sweep: (limit) => during(branches.sweep(limit)),
        },
        close: () => during(opened.close()),
      };
    },
  };
}

// One process of the coordinator of a test world. It can die at a write of its log, and never does anything after that.
import { type Coordinator, coordinator, type CoordinatorOptions } from "../api/index.ts";
import type { Bus, BusConnection, CoordinatorStore, OpenLog, TransactionLog } from "../ports/index.ts";
import type { CrashPoint } from "./faults.ts";
import { MortalProcess } from "./mortal-process.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What `CoordinatorProcess.died` resolves with: no answer of a coordinator is the same. */
export const died: unique symbol = Symbol("died");

export interface ProcessOptions extends Omit<CoordinatorOptions, "clock"> {
  readonly clock: VirtualClock;
  /** Asked after each of these writes of the log: true, and the process dies there. */
  readonly diesAt: (point: CrashPoint) => boolean;
}

export class CoordinatorProcess {
  readonly #mortal: MortalProcess;
  readonly #diesAt: (point: CrashPoint) => boolean;
  readonly opened: Promise<Coordinator>;
  /** Resolves when the process has died. */
  readonly died: Promise<typeof died>;
  #onDeath: () => void = () => undefined;

  constructor({ clock, diesAt, log, bus, ...options }: ProcessOptions) {
    this.#mortal = new MortalProcess(clock);
    this.#diesAt = diesAt;
    this.died = new Promise((resolve) => (this.#onDeath = () => resolve(died)));
    this.opened = coordinator({
      ...options,
      clock: this.#mortal.clock,
      log: this.#mortalStore(log),
      bus: this.#mortalBus(bus),
    });
  }

  get isAlive(): boolean {
    return this.#mortal.isAlive;
  }

  #mortalStore(store: CoordinatorStore): CoordinatorStore {
    return {
      openLog: async (options): Promise<OpenLog> => {
        const opened = await store.openLog(options);
        return { ...opened, log: this.#mortal.log(this.#crashing(opened.log)) };
      },
    };
  }

  /** What was written stays written; the process never sees that it was. */
  #crashing(log: TransactionLog): TransactionLog {
    return {
      ...log,
      begin: async (request) => {
        const result = await log.begin(request);
        if (result.kind === "begun") this.#reach("begun");
        return result;
      },
      decide: async (request) => {
        const result = await log.decide(request);
        if (result.kind === "written") this.#reach("decided");
        return result;
      },
      end: async (request) => {
        const result = await log.end(request);
        if (result.kind === "written") this.#reach("ended");
        return result;
      },
    };
  }

  #reach(point: CrashPoint): void {
    if (!this.isAlive || !this.#diesAt(point)) return;
    this.#mortal.die();
    this.#onDeath();
  }

  #mortalBus(bus: Bus): Bus {
    return {
      connect: async (options): Promise<BusConnection> => {
        const connection = await bus.connect(options);
        return {
          commands: this.#mortal.transport(connection.commands),
          questions: connection.questions,
          serveCommands: (service, endpoint) => connection.serveCommands(service, endpoint),
          serveQuestions: (name, answer) =>
            connection.serveQuestions(name, (question) =>
              this.isAlive ? answer(question) : Promise.resolve(undefined),
            ),
          close: () => connection.close(),
        };
      },
    };
  }
}

// The bus of a test world: each message takes a moment, faults delay commands and lose answers, and a service that
// nobody serves is stood in for when its first command arrives.
import { stepOfBranch } from "../api/run-result.ts";
import { memoryBus } from "../memory/index.ts";
import { type Bus, type BusConnection, type BusOptions, type Transport, waitMsOf } from "../ports/index.ts";
import type { Answer } from "../protocol/index.ts";
import { type Faults, phaseOf } from "./faults.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface WorldBusOptions {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly faults: Faults;
  /** Serves a service that the test does not serve. */
  readonly standIn: (service: string) => Promise<unknown>;
}

/** From 1 ms to this, each way. */
const latencyMaxMs = 3;

export class WorldBus implements Bus {
  readonly #options: WorldBusOptions;
  readonly #bus = memoryBus();
  /** By service: resolved when it takes commands. */
  readonly #served = new Map<string, Promise<unknown>>();

  constructor(options: WorldBusOptions) {
    this.#options = options;
  }

  async connect(options: BusOptions): Promise<BusConnection> {
    const connection = await this.#bus.connect(options);
    return {
      commands: { send: (...sent) => this.#send(connection.commands, sent) },
      questions: connection.questions,
      serveCommands: (service, endpoint) => {
        const serving = connection.serveCommands(service, endpoint);
        if (!this.#served.has(service)) this.#served.set(service, serving);
        return serving;
      },
      serveQuestions: (coordinator, answer) => connection.serveQuestions(coordinator, answer),
      close: () => connection.close(),
    };
  }

  /** A command on its way arrives whatever becomes of its sender. */
  #send(transport: Transport, sent: Parameters<Transport["send"]>): Promise<Answer | undefined> {
    const { clock, faults } = this.#options;
    const [{ service }, { branchId, verb }, wait] = sent;
    const [step, phase] = [stepOfBranch(branchId), phaseOf(verb)];
    const delayMs = phase === undefined ? 0 : (faults.strike("delay", step, phase)?.ms ?? 0);
    const isLost = phase !== undefined && faults.strike("lose", step, phase) !== undefined;
    return new Promise((resolve) => {
      const timer = clock.after(waitMsOf(wait), () => resolve(undefined));
      const arrive = (answer: Answer | undefined): void => {
        if (isLost) return;
        timer.cancel();
        resolve(answer);
      };
      const deliver = async (): Promise<void> => {
        await this.#standIn(service);
        const answer = await transport.send(...sent);
        clock.after(this.#latencyMs(), () => arrive(answer));
      };
      clock.after(delayMs + this.#latencyMs(), () => void deliver());
    });
  }

  #standIn(service: string): Promise<unknown> {
    const served = this.#served.get(service);
    if (served !== undefined) return served;
    const standingIn = this.#options.standIn(service);
    this.#served.set(service, standingIn);
    return standingIn;
  }

  #latencyMs(): number {
    return 1 + this.#options.random.below(latencyMaxMs);
  }
}

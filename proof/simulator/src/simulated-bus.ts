// A bus without guarantees (M1): messages are lost, duplicated, reordered and delayed, and links are cut in one or both
// directions. Several instances may serve one name; each message goes to one of them.
import type { SeededRandom, VirtualClock } from "assent/testing";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Trace } from "./trace.ts";

export type Handler = (message: Uint8Array) => Promise<Uint8Array | undefined>;

/** How messages fare while this is active. Chances from 0 to 1. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  /** Chance of a long delay, and its maximum. */
  readonly delay: number;
  readonly delayMaxMs: number;
}

export const fairWeather: Weather = { loss: 0, duplication: 0, delay: 0, delayMaxMs: 0 };

export interface Exchange {
  readonly service: string;
  readonly message: Uint8Array;
  readonly waitMs: number;
  /** Whether a command in the message is `forget`. */
  readonly forgets?: boolean;
}

interface Instance {
  readonly process: SimulatedProcess;
  readonly handler: Handler;
}

const latencyMaxMs = 3;

export class SimulatedBus {
  weather: Weather = fairWeather;
  /** Chance that a message with a `forget`, or the reply to it, is lost. */
  forgetLoss = 0;
  readonly #options: { readonly time: VirtualClock; readonly random: SeededRandom; readonly trace: Trace };
  readonly #instances = new Map<string, Map<string, Instance>>();
  /** "from>to" of cut links. */
  readonly #cuts = new Set<string>();

  constructor(options: { time: VirtualClock; random: SeededRandom; trace: Trace }) {
    this.#options = options;
  }

  /** Replaces the instance of that slot, if there is one: a restarted process has the address of the previous one. */
  serve(service: string, slot: string, instance: Instance): void {
    const instances = this.#instances.get(service) ?? new Map<string, Instance>();
    instances.set(slot, instance);
    this.#instances.set(service, instances);
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Both directions. */
  mend(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
    this.#cuts.delete(`${to}>${from}`);
  }

  clearUp(): void {
    this.weather = fairWeather;
  }

  heal(): void {
    this.#cuts.clear();
    this.forgetLoss = 0;
    this.clearUp();
  }

  /** The first reply to any delivery; undefined if none came in time. Late deliveries still happen. */
  exchange(
    { from, fromSlot }: { from: SimulatedProcess; fromSlot: string },
    { service, message, waitMs, forgets = false }: Exchange,
  ): Promise<Uint8Array | undefined> {
    const { time, random } = this.#options;
    return new Promise((resolve) => {
      from.clock.after(waitMs, () => resolve(undefined));
      const slots = [...(this.#instances.get(service)?.keys() ?? [])];
      if (slots.length === 0) return;
      const lost = forgets ? this.#lostForget(`${fromSlot} to ${service}`) : undefined;
      if (lost === "message") return;
      const copies = this.#copies(`${fromSlot} to ${service}`);
      for (const delayMs of copies) {
        const slot = random.pick(slots);
        time.after(delayMs, () => {
          if (this.#cuts.has(`${fromSlot}>${slot}`)) return;
          const instance = this.#instances.get(service)?.get(slot);
          instance?.process.run(() => {
            void instance.handler(message).then((reply) => {
              if (reply === undefined || lost === "reply") return;
              this.#reply(`${slot}>${fromSlot}`, () => from.run(() => resolve(reply)));
            });
          });
        });
      }
    });
  }

  #reply(link: string, deliver: () => void): void {
    for (const delayMs of this.#copies(link)) {
      this.#options.time.after(delayMs, () => {
        if (!this.#cuts.has(link)) deliver();
      });
    }
  }

  #lostForget(link: string): "message" | "reply" | undefined {
    const { random, trace } = this.#options;
    if (this.forgetLoss === 0 || !random.chance(this.forgetLoss)) return undefined;
    const lost = random.pick(["message", "reply"] as const);
    trace.fault(`lost: ${lost} of a forget, ${link}`);
    return lost;
  }

  /** One delay for each copy that arrives. */
  #copies(link: string): number[] {
    const { random, trace } = this.#options;
    const { loss, duplication, delay, delayMaxMs } = this.weather;
    const latency = (): number =>
      1 + random.uniform() * latencyMaxMs + (random.chance(delay) ? random.uniform() * delayMaxMs : 0);
    if (random.chance(loss)) {
      trace.fault(`lost: ${link}`);
      return [];
    }
    if (!random.chance(duplication)) return [latency()];
    trace.fault(`doubled: ${link}`);
    return [latency(), latency()];
  }
}

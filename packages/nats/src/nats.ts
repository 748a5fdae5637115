// The door: NATS as the bus of `serve` and `coordinator`.
import type { Bus } from "assent/internal/ports";
import { nextTurn, systemRandom } from "assent/node";
import { NatsBus, type NatsBusOptions } from "./nats-bus.ts";
import { checkNatsLimits, defaultNatsLimits } from "./limits.ts";

export interface NatsOptions extends Partial<Pick<NatsBusOptions, "delivery" | "prefix" | "storage" | "limits">> {
  /** Of this process, shown by the monitoring of the broker. */
  readonly name?: string;
}

/**
 * A bus over NATS, such as `nats("nats://127.0.0.1:4222")`; several servers of a cluster are separated by commas.
 * Connecting rejects with `NatsUnavailable` when no server can be reached.
 */
export function nats(servers: string, options: NatsOptions = {}): Bus {
  return {
    async connect({ clock, observer, limits }) {
      const natsLimits = { ...defaultNatsLimits, ...options.limits };
      checkNatsLimits(natsLimits, limits);
      const bus = await NatsBus.connect({
        name: "assent",
        delivery: "jetstream",
        ...options,
        servers: servers.split(",").map((server) => server.trim()),
        limits: natsLimits,
        clock,
        random: systemRandom,
        schedule: nextTurn,
        onFailure: (work, error) => observer.observe({ type: "BackgroundWorkFailed", work, error }),
      });
      return {
        commands: bus,
        questions: bus,
        serveCommands: async (service, endpoint) => void (await bus.serveCommands(service, endpoint)),
        serveQuestions: async (coordinator, answer) => void (await bus.serveQuestions(coordinator, answer)),
        async close() {
          bus.drain();
          await bus.close();
        },
      };
    },
  };
}

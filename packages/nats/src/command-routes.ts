// The routes of a command message to a service: first to the instance that all senders prefer; if that one is unknown,
// gone or silent, to any instance that takes it, through the stream or directly.
import type { Clock, Exchange } from "assent/internal/ports";
import { type Command, verbRole } from "assent/internal/protocol";
import { dispatch, type DispatchPorts } from "./dispatch.ts";
import type { Instance, InstanceDirectory } from "./instance-directory.ts";
import type { Delivery } from "./nats-bus.ts";
import type { Subjects } from "./subjects.ts";

export interface CommandRoutesOptions {
  readonly ports: DispatchPorts;
  readonly subjects: Subjects;
  readonly instances: InstanceDirectory;
  readonly delivery: Delivery;
  readonly processName: string;
}

/** A route that brings answers, and the time at which it counts as silent; monotonic milliseconds. */
interface Watch {
  readonly silentAt: () => number;
  readonly tryForMs: number;
  readonly isSilent: () => void;
}

export class CommandRoutes {
  readonly #options: CommandRoutesOptions;
  /** By place, when a stream last brought an answer; monotonic milliseconds. */
  readonly #heardAt = new Map<string, number>();
  #dispatches = 0;

  constructor(options: CommandRoutesOptions) {
    this.#options = options;
  }

  /** Sends a message and listens for its reply until the function it returns is called. */
  send(exchange: Exchange<Command>): () => void {
    const instance = this.#options.instances.preferred(exchange.address);
    return instance === undefined ? this.#share(exchange) : this.#sendTo(instance, exchange);
  }

  #sendTo(instance: Instance, exchange: Exchange<Command>): () => void {
    const { ports, subjects, instances } = this.#options;
    const { address: place, message, tryForMs } = exchange;
    const sentAt = this.#clock.monotonic();
    const tryUntil = sentAt + tryForMs;
    const stops: (() => void)[] = [];
    const divert = (): void => {
      if (!instance.divert.delete(divert)) return;
      const restMs = tryUntil - this.#clock.monotonic();
      if (restMs > 0) stops.push(this.#share({ ...exchange, tryForMs: restMs }));
    };
    instance.divert.add(divert);
    const answered = (reply: Uint8Array): void => {
      instance.answeredAt = this.#clock.monotonic();
      exchange.answered(reply);
    };
    const isSilent = (): void => {
      instances.wentSilent(place, instance);
      divert();
    };
    const subject = subjects.atInstance(instance.processName, place);
    const unheard = (): void => instances.isGone(place, instance);
    stops.push(this.#watch({ silentAt: () => this.#silentAt(instance, sentAt), tryForMs, isSilent }));
    stops.push(dispatch(ports, { subject, message, tryForMs, answered, unheard }));
    return () => {
      instance.divert.delete(divert);
      for (const stop of stops) stop();
    };
  }

  /**
   * An instance that announces itself but answers nothing is usually overloaded. A second instance on the same records
   * would make each run the other's steps again, when there is the least time for it. The instance may also have lost
   * its database, so there is a bound.
   */
  #silentAt({ answeredAt, announcedAt }: Instance, sentAt: number): number {
    const { directAfterMs, unansweredMaxMs } = this.#options.ports.limits;
    const lastAnswer = Math.max(answeredAt, sentAt);
    return Math.min(lastAnswer + unansweredMaxMs, Math.max(lastAnswer, announcedAt) + directAfterMs);
  }

  /** To any instance that takes it. */
  #share({ address: place, message, items, tryForMs, answered }: Exchange<Command>): () => void {
    const { ports, subjects, delivery, processName } = this.#options;
    const direct = { subject: subjects.direct(place), message, tryForMs, answered };
    if (delivery === "core") return dispatch(ports, direct);
    this.#dispatches += 1;
    const isPhaseOne = items.some(({ verb }) => verbRole(verb) === "vote");
    const storage = isPhaseOne ? { messageId: `${processName}-${this.#dispatches.toString(36)}` } : {};
    const byStream = (reply: Uint8Array): void => {
      this.#heardAt.set(place, this.#clock.monotonic());
      answered(reply);
    };
    const stream = { subject: subjects.commands(place), message, tryForMs, answered: byStream, storage };
    const stops = [dispatch(ports, stream)];
    const sentAt = this.#clock.monotonic();
    const silentAt = (): number => Math.max(this.#heardAt.get(place) ?? sentAt, sentAt) + ports.limits.directAfterMs;
    const isSilent = (): void => void stops.push(dispatch(ports, direct));
    stops.push(this.#watch({ silentAt, tryForMs, isSilent }));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /**
   * M1, P4: a command may arrive twice, so a message on a route that has gone silent is sent by another route as well.
   * A route that is only slow gets no copies: with them it would never catch up.
   */
  #watch({ silentAt, tryForMs, isSilent }: Watch): () => void {
    const tryUntil = this.#clock.monotonic() + tryForMs;
    const restMs = (): number => silentAt() - this.#clock.monotonic();
    const look = (): void => {
      if (this.#clock.monotonic() >= tryUntil) return;
      timer = restMs() > 0 ? this.#clock.after(restMs(), look) : this.#clock.after(0, decide);
    };
    // Messages that arrived while this process was busy are read first, so that its own stall is not taken for silence.
    const decide = (): void => (restMs() > 0 ? look() : isSilent());
    let timer = this.#clock.after(restMs(), look);
    return () => timer.cancel();
  }

  get #clock(): Clock {
    return this.#options.ports.clock;
  }
}

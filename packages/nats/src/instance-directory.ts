// The instances of the services that are present, by their announcements. All senders prefer the same one, the lowest
// by name, so that work on a record mostly happens in one process, and the others are on standby.
import type { Clock } from "assent/internal/ports";
import type { Msg } from "@nats-io/nats-core";
import { decodeAnnouncement } from "./announcement.ts";
import type { Connection } from "./connection.ts";
import type { NatsLimits } from "./limits.ts";
import type { Subjects } from "./subjects.ts";

export interface Instance {
  readonly name: string;
  readonly processName: string;
  /** When it last announced itself, and when it last answered a command; monotonic milliseconds. */
  announcedAt: number;
  answeredAt: number;
  /** Sends the messages in flight to it by another route. */
  readonly divert: Set<() => void>;
}

export interface InstanceDirectoryOptions {
  readonly connection: Connection;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly limits: NatsLimits;
  readonly onFailure: (work: string, error: unknown) => void;
}

/** An instance does not answer. `code` is stable. Messages that were sent to it go to other instances as well. */
export class InstanceSilent extends Error {
  readonly code = "instance_silent";

  constructor(instance: string, avoidMs: number) {
    super(`${instance} does not answer: for ${avoidMs} ms, commands go to other instances if there are any`);
    this.name = "InstanceSilent";
  }
}

export class InstanceDirectory {
  readonly #options: InstanceDirectoryOptions;
  /** By service, as its token in a subject; then by process. */
  readonly #services = new Map<string, Map<string, Instance>>();
  /** By process; monotonic milliseconds. */
  readonly #avoidedUntil = new Map<string, number>();
  #isListening = false;

  constructor(options: InstanceDirectoryOptions) {
    this.#options = options;
  }

  /** The instance to try first for a place, or undefined while none is known. */
  preferred(place: string): Instance | undefined {
    this.#listen();
    const since = this.#options.clock.monotonic() - this.#options.limits.presenceMaxMs;
    let first: Instance | undefined;
    for (const instance of this.#services.get(serviceOf(place))?.values() ?? []) {
      if (instance.announcedAt > since && (first === undefined || isLower(instance, first))) first = instance;
    }
    return first;
  }

  /** The instance does not answer: for a while others are preferred, even if it announces itself. */
  wentSilent(place: string, { name, processName }: Instance): void {
    const { clock, limits, onFailure } = this.#options;
    if (this.#services.get(serviceOf(place))?.delete(processName) !== true) return;
    onFailure(`send to ${name}`, new InstanceSilent(name, limits.avoidMs));
    this.#avoidedUntil.set(processName, clock.monotonic() + limits.avoidMs);
  }

  /** The broker reports that the instance is gone, and with it every message that it has not answered. */
  isGone(place: string, instance: Instance): void {
    this.#services.get(serviceOf(place))?.delete(instance.processName);
    for (const divert of instance.divert) divert();
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { connection, subjects } = this.#options;
    connection.subscribe({
      subject: subjects.allPresence(),
      work: "read announcements",
      received: (message) => this.#received(message),
    });
  }

  #received({ subject, data }: Msg): void {
    const announced = decodeAnnouncement(data);
    if (announced === undefined) throw new TypeError(`no announcement: ${data.byteLength} bytes on ${subject}`);
    const { instance: name, processName, isLeaving } = announced;
    const { clock, limits } = this.#options;
    this.#forgetAbsent();
    const instances = this.#instancesOf(subject.slice(subject.lastIndexOf(".") + 1));
    const known = instances.get(processName);
    if (isLeaving) instances.delete(processName);
    else if (known !== undefined) known.announcedAt = clock.monotonic();
    else if (!this.#avoidedUntil.has(processName) && this.#size < limits.instancesMax) {
      const announcedAt = clock.monotonic();
      instances.set(processName, { name, processName, announcedAt, answeredAt: -Infinity, divert: new Set() });
    }
  }

  #instancesOf(service: string): Map<string, Instance> {
    const instances = this.#services.get(service) ?? new Map<string, Instance>();
    this.#services.set(service, instances);
    return instances;
  }

  #forgetAbsent(): void {
    const now = this.#options.clock.monotonic();
    for (const [service, instances] of this.#services) {
      for (const [processName, { announcedAt }] of instances) {
        if (announcedAt + this.#options.limits.presenceMaxMs <= now) instances.delete(processName);
      }
      if (instances.size === 0) this.#services.delete(service);
    }
    for (const [processName, until] of this.#avoidedUntil) if (until <= now) this.#avoidedUntil.delete(processName);
  }

  get #size(): number {
    let size = 0;
    for (const instances of this.#services.values()) size += instances.size;
    return size;
  }
}

const serviceOf = (place: string): string => place.slice(0, place.indexOf("."));

/** "stock-2" is lower than "stock-10". */
function isLower(one: Instance, other: Instance): boolean {
  if (one.name.length !== other.name.length) return one.name.length < other.name.length;
  return one.name === other.name ? one.processName < other.processName : one.name < other.name;
}

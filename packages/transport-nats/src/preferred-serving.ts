// An instance that takes what is addressed to it, and what is shared: senders prefer one instance, and what does not
// reach it comes by the shared ways.
import type { CoreServing } from "./core-serving.ts";
import type { Presence } from "./presence.ts";
import type { ReadyServing, ServingStatus } from "./serving.ts";

export interface PreferredServingOptions {
  /** Shared with other instances. */
  readonly serving: ReadyServing;
  /** Of this instance alone, with the same worker. */
  readonly own: CoreServing;
  readonly presence: Presence;
}

export class PreferredServing implements ReadyServing {
  readonly #options: PreferredServingOptions;

  constructor(options: PreferredServingOptions) {
    this.#options = options;
  }

  async ready(): Promise<void> {
    const { serving, own, presence } = this.#options;
    await Promise.all([serving.ready(), own.ready()]);
    presence.start();
  }

  /** What is not addressed here any more comes by the shared ways: they decide. */
  status(): ServingStatus {
    return this.#options.serving.status();
  }

  async stop(): Promise<void> {
    const { serving, own, presence } = this.#options;
    presence.stop();
    await Promise.all([serving.stop(), own.stop()]);
  }
}

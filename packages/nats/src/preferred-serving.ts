// An instance that takes commands addressed to it as well as shared ones: senders prefer one instance, and commands
// that do not reach it arrive by the shared routes.
import type { CoreServing } from "./core-serving.ts";
import type { Presence } from "./presence.ts";
import type { ReadyServing, ServingStatus } from "./serving.ts";

export interface PreferredServingOptions {
  /** Shared with other instances. */
  readonly serving: ReadyServing;
  /** Of this instance only, with the same worker. */
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

  /** Commands that are no longer addressed here arrive by the shared routes, so those determine the status. */
  status(): ServingStatus {
    return this.#options.serving.status();
  }

  async stop(): Promise<void> {
    const { serving, own, presence } = this.#options;
    presence.stop();
    await Promise.all([serving.stop(), own.stop()]);
  }
}

// A service that takes commands from its stream and also directly from their senders: commands that a stream without a
// leader delays arrive directly. One worker handles both, so that limits and counts apply to both together.
import type { CoreServing } from "./core-serving.ts";
import type { Serving, ServingStatus } from "./serving.ts";
import type { StreamServing } from "./stream-serving.ts";

export class ServingBothWays implements Serving {
  readonly #stream: StreamServing;
  readonly #direct: CoreServing;
  /** Resolves when the stream has had its time. */
  readonly #streamWait: () => Promise<void>;

  constructor(stream: StreamServing, direct: CoreServing, streamWait: () => Promise<void>) {
    this.#stream = stream;
    this.#direct = direct;
    this.#streamWait = streamWait;
  }

  /** Resolves when commands reach this instance by both routes or, if the stream takes long, directly. */
  async ready(): Promise<void> {
    await Promise.race([this.#stream.ready(), this.#streamWait()]);
    await this.#direct.ready();
  }

  /** Ready by either route; `problem` describes the failure of the other. */
  status(): ServingStatus {
    const [stream, direct] = [this.#stream.status(), this.#direct.status()];
    const problem = stream.problem ?? direct.problem;
    return { ...stream, ready: stream.ready || direct.ready, ...(problem !== undefined && { problem }) };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stream.stop(), this.#direct.stop()]);
  }
}

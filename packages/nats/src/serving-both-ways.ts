// A service that takes commands from its stream and also straight from their senders: whatever a stream without a
// leader holds up comes by the other way. One worker is behind both, so that bounds and counts are of both together.
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

  /** Resolves when commands reach this instance, by both ways or, where the stream takes long, by the other one. */
  async ready(): Promise<void> {
    await Promise.race([this.#stream.ready(), this.#streamWait()]);
    await this.#direct.ready();
  }

  /** Ready by either way; `problem` says what is wrong with the other. */
  status(): ServingStatus {
    const [stream, direct] = [this.#stream.status(), this.#direct.status()];
    const problem = stream.problem ?? direct.problem;
    return { ...stream, ready: stream.ready || direct.ready, ...(problem !== undefined && { problem }) };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stream.stop(), this.#direct.stop()]);
  }
}

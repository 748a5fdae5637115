// Calls between two threads over a message port: named channels, texts or bytes, an answer or an error to each.
import type { MessagePort, Worker } from "node:worker_threads";
import type { StoreCopy } from "./store-copy.ts";

export type Payload = string | Uint8Array | StoreCopy | undefined;
export type CallHandler = (payload: Payload) => Promise<Payload>;

type Message =
  | readonly [kind: "call", id: number, channel: string, payload: Payload]
  | readonly [kind: "answer", id: number, payload: Payload]
  | readonly [kind: "error", id: number, message: string];

/** The other thread ended, or failed to answer. What it did is not known. `code` is stable. */
export class CallFailed extends Error {
  readonly code = "store_thread_failed";

  constructor(message: string) {
    super(message);
    this.name = "CallFailed";
  }
}

interface Waiting {
  readonly resolve: (payload: Payload) => void;
  readonly reject: (error: CallFailed) => void;
}

/** The bytes of a payload. @throws {TypeError} for any other */
export function bytesOf(payload: Payload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  throw new TypeError("the message is not bytes");
}

export class PortCalls {
  readonly #port: MessagePort | Worker;
  readonly #handlers: Readonly<Record<string, CallHandler>>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed: CallFailed | undefined;

  constructor(port: MessagePort | Worker, handlers: Readonly<Record<string, CallHandler>>) {
    this.#port = port;
    this.#handlers = handlers;
    port.on("message", (message: Message) => this.#receive(message));
  }

  call(channel: string, payload: Payload): Promise<Payload> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post(["call", id, channel, payload]);
    });
  }

  /** The other side is gone: every call that waits, and every later one, fails. */
  closed(why: string): void {
    this.#closed = new CallFailed(why);
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    this.#waiting.clear();
  }

  #receive(message: Message): void {
    const [kind, id] = message;
    if (kind === "call") {
      void this.#answer(id, message[2], message[3]);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (kind === "answer") waiting?.resolve(message[2]);
    else waiting?.reject(new CallFailed(message[2]));
  }

  async #answer(id: number, channel: string, payload: Payload): Promise<void> {
    try {
      const handler = this.#handlers[channel];
      if (handler === undefined) throw new CallFailed(`there is no channel ${channel}`);
      this.#post(["answer", id, await handler(payload)]);
    } catch (error) {
      this.#post(["error", id, error instanceof Error ? error.message : String(error)]);
    }
  }

  #post(message: Message): void {
    this.#port.postMessage(message);
  }
}

// What is sent in one turn of the event loop to one address leaves as one message, and comes back as one; each item
// keeps its own outcome and its own wait (M4). An item that no caller waits for leaves with the next item that a caller
// does wait for, or after a while, so that it needs no message, no store round and no disk flush of its own.
import { type Decoded, UndecodableMessage } from "../protocol/index.ts";
import type { Clock, Timer } from "./clock.ts";
import { Gathering } from "./gathering.ts";
import { mayWaitOf, type Wait, waitMsOf } from "./transport.ts";

export interface Codec<Item, Reply> {
  readonly encode: (items: readonly Item[]) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => readonly Decoded<Reply>[];
}

/** One message on its way, until it is answered or nobody waits for it any more. */
export interface Exchange<Item> {
  readonly address: string;
  readonly message: Uint8Array;
  readonly items: readonly Item[];
  /** How long it is tried to bring it. */
  readonly tryForMs: number;
  /** Called at most once, with the reply. */
  readonly answered: (reply: Uint8Array) => void;
  /** Called instead of `answered` when no reply can come any more: the items are unanswered at once. */
  readonly unanswered: () => void;
}

export interface OutboxOptions<Item, Reply> {
  readonly codec: Codec<Item, Reply>;
  readonly clock: Clock;
  readonly schedule: (callback: () => void) => void;
  /** The largest message that can leave now, bytes. */
  readonly messageBytesMax: () => number;
  /** Sends a message and listens for its reply until the function it returns is called. Must not throw. */
  readonly exchange: (exchange: Exchange<Item>) => () => void;
  /** How long an item that no caller waits for may be held back; left out, not at all. */
  readonly companyWaitMs?: number;
  /** Called with what can never be answered. */
  readonly onFailure: (work: string, error: unknown, address: string) => void;
}

interface Sent<Item, Reply> {
  readonly item: Item;
  readonly waitMs: number;
  readonly tryForMs: number;
  readonly resolve: (reply: Reply | undefined) => void;
}

/** One item does not fit into a message. `code` is stable. It was not sent, and never can be. */
export class MessageTooLarge extends Error {
  readonly code = "message_too_large";

  constructor(bytes: number, bytesMax: number) {
    super(`a message of ${bytes} bytes was not sent: ${bytesMax} bytes are the most that its receiver takes`);
    this.name = "MessageTooLarge";
  }
}

export class Outbox<Item, Reply> {
  readonly #options: OutboxOptions<Item, Reply>;
  /** By address. */
  readonly #gatherings = new Map<string, Gathering<Sent<Item, Reply>>>();
  #isDraining = false;

  constructor(options: OutboxOptions<Item, Reply>) {
    this.#options = options;
  }

  /** Resolves with the reply, or with undefined when there was none in time. Never rejects. */
  send(address: string, item: Item, wait: Wait): Promise<Reply | undefined> {
    const waitMs = waitMsOf(wait);
    const tryForMs = typeof wait === "number" ? wait : wait.tryForMs;
    return new Promise((resolve) => {
      this.#gathering(address).add({ item, waitMs, tryForMs, resolve }, { mayWait: mayWaitOf(wait) });
    });
  }

  /** Sends at once what is held back; from now on nothing is held back. */
  drain(): void {
    this.#isDraining = true;
    for (const gathering of this.#gatherings.values()) gathering.drain();
  }

  #gathering(address: string): Gathering<Sent<Item, Reply>> {
    let gathering = this.#gatherings.get(address);
    if (gathering === undefined) {
      const { clock, schedule, companyWaitMs = 0 } = this.#options;
      const send = (batch: readonly Sent<Item, Reply>[]): void => this.#deliver(address, batch);
      gathering = new Gathering({ send, schedule, clock, companyWaitMs: this.#isDraining ? 0 : companyWaitMs });
      this.#gatherings.set(address, gathering);
    }
    return gathering;
  }

  #deliver(address: string, batch: readonly Sent<Item, Reply>[]): void {
    const message = this.#options.codec.encode(batch.map(({ item }) => item));
    const bytesMax = this.#options.messageBytesMax();
    if (message.byteLength <= bytesMax) return this.#exchange(address, message, batch);
    if (batch.length > 1) {
      const middle = batch.length >>> 1;
      this.#deliver(address, batch.slice(0, middle));
      this.#deliver(address, batch.slice(middle));
      return;
    }
    this.#options.onFailure(`send to ${address}`, new MessageTooLarge(message.byteLength, bytesMax), address);
    for (const { resolve } of batch) resolve(undefined);
  }

  #exchange(address: string, message: Uint8Array, batch: readonly Sent<Item, Reply>[]): void {
    const { clock, codec, exchange, onFailure } = this.#options;
    const timers: Timer[] = [];
    const end = (replies: readonly Decoded<Reply>[]): void => {
      cancel();
      for (const timer of timers) timer.cancel();
      batch.forEach(({ resolve }, index) => {
        const reply = replies[index];
        if (reply instanceof UndecodableMessage) onFailure(`reply from ${address}`, reply, address);
        resolve(reply instanceof UndecodableMessage ? undefined : reply);
      });
    };
    const cancel = exchange({
      address,
      message,
      items: batch.map(({ item }) => item),
      tryForMs: Math.max(...batch.map(({ tryForMs }) => tryForMs)),
      unanswered: () => end([]),
      answered(reply) {
        let replies: readonly Decoded<Reply>[] = [];
        try {
          replies = codec.decode(reply);
        } catch (error) {
          onFailure(`reply from ${address}`, error, address);
        }
        end(replies);
      },
    });
    // One timer for each length of wait, which mostly is one for all; with the last one nobody listens any more.
    const waits = [...new Set(batch.map(({ waitMs }) => waitMs))].sort((one, other) => one - other);
    waits.forEach((waitMs, index) => {
      const isLast = index === waits.length - 1;
      const over = (): void => {
        if (isLast) end([]);
        else for (const sent of batch) if (sent.waitMs === waitMs) sent.resolve(undefined);
      };
      timers.push(clock.after(waitMs, over));
    });
  }
}

// One message in transit to a service. It is published again only if it certainly was not delivered, if the broker can
// recognise the copy, or if it only reads. Other commands are repeated by their coordinator (M2).
import type { Clock, Timer } from "assent/internal/ports";
import { headers, type Msg, type MsgHdrs } from "@nats-io/nats-core";
import type { Connection } from "./connection.ts";
import type { NatsLimits } from "./limits.ts";
import type { ReplyInbox } from "./reply-inbox.ts";

export const replyHeader = "Reply-To";
const messageIdHeader = "Nats-Msg-Id";
const noResponders = 503;

export interface DispatchPorts {
  readonly connection: Connection;
  readonly replies: ReplyInbox;
  readonly clock: Clock;
  readonly limits: NatsLimits;
  readonly onFailure: (work: string, error: unknown) => void;
}

export interface Dispatch {
  readonly subject: string;
  readonly message: Uint8Array;
  /** How long delivery is attempted; its answer is accepted afterwards as well. */
  readonly tryForMs: number;
  readonly answered: (reply: Uint8Array) => void;
  /** The message may be repeated, possibly to another instance, while no answer comes. */
  readonly isRepeatable?: boolean;
  /** Called instead of a retry if no subscriber listens on the subject. */
  readonly unheard?: () => void;
  /** How it is stored in transit; absent if it is sent directly. */
  readonly storage?: {
    /** New for every dispatch, so that the same bytes sent again are delivered again (M1). Absent: not repeated. */
    readonly messageId?: string;
  };
}

/** The broker did not store a message. `code` is stable. It was not delivered; it is retried while its caller waits. */
export class MessageNotStored extends Error {
  readonly code = "message_not_stored";

  constructor(reason: string) {
    super(`the broker did not store a message: ${reason}`);
    this.name = "MessageNotStored";
  }
}

/** Tries to deliver a message, and waits for its answer, until the returned function is called. Never throws. */
export function dispatch(ports: DispatchPorts, request: Dispatch): () => void {
  const { connection, replies, clock, limits, onFailure } = ports;
  const { subject, message, storage } = request;
  let timer: Timer | undefined;
  let over = false;
  const tryUntil = clock.monotonic() + request.tryForMs;
  const again = (delayMs: number): void => {
    timer?.cancel();
    if (!over && clock.monotonic() + delayMs < tryUntil) timer = clock.after(delayMs, publish);
  };
  const reply = replies.open({
    answered(received) {
      if (!isNoResponders(received)) return request.answered(received.data);
      if (request.unheard === undefined) again(limits.publishRetryMs);
      else request.unheard();
    },
    stored(received) {
      const problem = storageProblem(received);
      if (problem === undefined) return timer?.cancel();
      if (!isNoResponders(received)) onFailure(`send to ${subject}`, new MessageNotStored(problem));
      again(limits.publishRetryMs);
    },
  });
  const headersOf = (messageId: string | undefined): MsgHdrs => {
    const set = headers();
    set.set(replyHeader, reply.answerSubject);
    if (messageId !== undefined) set.set(messageIdHeader, messageId);
    return set;
  };
  function publish(): void {
    if (!connection.isConnected) return again(limits.publishRetryMs);
    try {
      if (storage === undefined) {
        connection.nats.publish(subject, message, { reply: reply.answerSubject });
        if (request.isRepeatable === true) again(limits.askAgainMs);
        return;
      }
      const { messageId } = storage;
      connection.nats.publish(subject, message, { reply: reply.storedSubject, headers: headersOf(messageId) });
      if (messageId !== undefined) again(limits.storedWaitMs);
    } catch (error) {
      onFailure(`send to ${subject}`, error);
    }
  }
  publish();
  return () => {
    over = true;
    timer?.cancel();
    reply.close();
  };
}

/** The broker's immediate reply when no subscriber listens. */
export function isNoResponders(received: Msg): boolean {
  return received.data.length === 0 && received.headers?.code === noResponders;
}

/** Why a message was not stored, from the broker's reply. */
function storageProblem(received: Msg): string | undefined {
  if (isNoResponders(received)) return "there is no stream";
  try {
    const { error } = received.json<{ error?: { description?: string } }>();
    return error === undefined ? undefined : (error.description ?? "no reason given");
  } catch (error) {
    return `unreadable reply:  ${String(error)}`;
  }
}

// Every limit and duration of the transport, with the relations between them asserted at load.
import { defaultLimits, invariant, type Limits } from "assent/internal/protocol";

/** Times are milliseconds, sizes are bytes unless the name says otherwise. */
export interface NatsLimits {
  /** Time limit of the first connection. Later ones are retried for ever. */
  readonly connectWaitMs: number;
  /** Time limit of one attempt to connect. */
  readonly dialMs: number;
  /** Shortest and longest pause between two attempts to connect. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly pingEveryMs: number;
  /** Unanswered pings after which a connection counts as lost. */
  readonly pingsUnansweredMax: number;
  /** Pause before a message that was certainly not delivered is sent again. */
  readonly publishRetryMs: number;
  /** How long the broker may take to acknowledge a stored message. */
  readonly storedWaitMs: number;
  /** How long a read may be unanswered before all instances are asked, and the pause between further repeats. */
  readonly askAgainMs: number;
  /**
   * How long a stream may bring no answer, or an instance give no sign of life, before a message is sent by another
   * route as well.
   */
  readonly directAfterMs: number;
  /** How long an instance may answer nothing although it gives signs of life. */
  readonly unansweredMaxMs: number;
  /** How long a background command may wait for another message to the same place. */
  readonly companyWaitMs: number;
  /** How often an instance announces itself, and how long after that it counts as present. */
  readonly presenceEveryMs: number;
  readonly presenceMaxMs: number;
  /** How long an instance that did not answer is not preferred, even if it announces itself. */
  readonly avoidMs: number;
  /** Instances of all services that a sender remembers. */
  readonly instancesMax: number;
  /** Messages that one instance of a service handles at the same time. */
  readonly concurrentMessagesMax: number;
  /** Messages that wait in one instance for their turn, in core mode; more are dropped and counted. */
  readonly waitingMessagesMax: number;
  /** How long one fetch request stays open on the broker, and a stop waits for its end. */
  readonly pullExpiresMs: number;
  /** How much later than that it counts as lost. */
  readonly pullGraceMs: number;
  /** How long a delivered message may be handled before the broker delivers it again. */
  readonly handlingMs: number;
  /** How many times one message is delivered at most. */
  readonly deliveriesMax: number;
  /** Messages of one service that are delivered and not acknowledged, over all its instances. */
  readonly unacknowledgedMax: number;
  readonly streamBytesMax: number;
  /** Age at which a message that was not taken is dropped. */
  readonly streamAgeMaxMs: number;
  /** How long the broker remembers a message id. */
  readonly duplicateWindowMs: number;
  /** How long the broker may take to create a stream or a consumer. */
  readonly setupWaitMs: number;
  readonly setupRetryFirstMs: number;
  readonly setupRetryMaxMs: number;
  /** Kept free in every message for its headers. */
  readonly headerBytesMax: number;
  /** How long a close waits until sent messages reach the broker. */
  readonly closeWaitMs: number;
}

export const defaultNatsLimits: NatsLimits = {
  connectWaitMs: 30_000,
  dialMs: 5_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 1_000,
  pingEveryMs: 2_000,
  pingsUnansweredMax: 2,
  publishRetryMs: 200,
  storedWaitMs: 500,
  askAgainMs: 300,
  directAfterMs: 400,
  unansweredMaxMs: 1_500,
  companyWaitMs: 100,
  presenceEveryMs: 200,
  presenceMaxMs: 3_000,
  avoidMs: 5_000,
  instancesMax: 1_024,
  concurrentMessagesMax: 32,
  waitingMessagesMax: 1_000,
  pullExpiresMs: 1_000,
  pullGraceMs: 1_000,
  handlingMs: 30_000,
  deliveriesMax: 3,
  unacknowledgedMax: 1_000,
  streamBytesMax: 67_108_864,
  streamAgeMaxMs: 60_000,
  duplicateWindowMs: 10_000,
  setupWaitMs: 2_000,
  setupRetryFirstMs: 100,
  setupRetryMaxMs: 2_000,
  headerBytesMax: 1_024,
  closeWaitMs: 2_000,
};

/**
 * Asserts the relations that the transport relies on.
 * @throws {InvariantViolation} naming the first broken one
 */
export function checkNatsLimits(limits: NatsLimits, protocol: Limits = defaultLimits): NatsLimits {
  for (const [name, value] of Object.entries(limits)) {
    invariant(Number.isFinite(value) && value > 0, "limits", `${name} is ${value}, not a number above 0`);
  }
  const relation = (holds: boolean, text: string): void => invariant(holds, "limits", text);
  relation(limits.reconnectMinMs <= limits.reconnectMaxMs, "the shortest wait is not above the longest");
  relation(limits.storedWaitMs < protocol.replyWaitMs, "a publish can be tried again before its sender gives up");
  relation(limits.askAgainMs < protocol.replyWaitMs, "a read is repeated while its caller waits");
  relation(limits.directAfterMs < protocol.replyWaitMs, "there is time for an answer by the other route");
  relation(limits.unansweredMaxMs < protocol.replyWaitMs, "there is time for another instance to answer");
  relation(limits.presenceEveryMs < limits.directAfterMs, "a present instance gives a sign of life in time");
  relation(limits.avoidMs > protocol.replyWaitMs, "a repeated command goes to another instance than the silent one");
  relation(limits.companyWaitMs < protocol.replyWaitMs, "a held command is sent before it is repeated");
  relation(limits.presenceMaxMs > 2 * limits.presenceEveryMs, "one announcement may be lost");
  relation(limits.publishRetryMs < protocol.replyWaitMs, "a message can be tried again before its sender gives up");
  relation(limits.duplicateWindowMs >= 2 * protocol.replyWaitMs, "the broker remembers a publish while it is tried");
  relation(limits.duplicateWindowMs <= limits.streamAgeMaxMs, "the broker refuses a longer window");
  relation(limits.streamAgeMaxMs >= protocol.phaseOneDeadlineMs, "commands survive the restart of a service");
  relation(limits.streamAgeMaxMs < protocol.maxAgeMs, "no command leaves a stream when it is expired (P7)");
  relation(limits.streamBytesMax >= 4 * protocol.messageBytesMax, "a stream holds more than a few messages");
  relation(limits.handlingMs > protocol.replyWaitMs, "nothing is redelivered while its sender waits");
  relation(limits.concurrentMessagesMax <= limits.unacknowledgedMax, "the broker delivers what one instance can take");
  relation(limits.setupRetryFirstMs <= limits.setupRetryMaxMs, "backoff grows");
  return limits;
}

checkNatsLimits(defaultNatsLimits);

// Services for tests, with their answers and recorded messages.
import { type Command, decoded, decodeCommands, encodeAnswers } from "assent/internal/protocol";
import type { Endpoint } from "@assent/nats";

export interface Recorder {
  readonly endpoint: Endpoint;
  /** The commands of each message that arrived, in order. */
  readonly messages: (readonly Command[])[];
  /** Names of the transactions that arrived, in order. */
  txIds(): readonly string[];
}

/** Records messages, waits for `before`, and answers each command with its own name. */
export function recorder(
  before: (commands: readonly Command[]) => Promise<unknown> = () => Promise.resolve(),
): Recorder {
  const messages: (readonly Command[])[] = [];
  return {
    messages,
    txIds: () => messages.flat().map(({ txId }) => txId),
    async endpoint(message) {
      const commands = decodeCommands(message).map(decoded);
      messages.push(commands);
      await before(commands);
      return encodeAnswers(commands.map(({ txId }) => ({ kind: "refused", reason: txId })));
    },
  };
}

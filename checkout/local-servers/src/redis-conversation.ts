// One request to a Redis or sentinel over a raw socket, with the password if it has one.
import { loopback } from "./free-port.ts";
import { converse } from "./socket-conversation.ts";

export interface RedisAddress {
  readonly port: number;
  readonly password?: string | undefined;
}

export interface RedisQuestion {
  /** Commands, one per line. */
  readonly text: string;
  /** Whether the text received so far is the complete response. */
  readonly isComplete: (received: string) => boolean;
  readonly waitMs: number;
}

/** For clients of this machine. */
export function redisUrlOf({ port, password }: RedisAddress): string {
  return `redis://${password === undefined ? "" : `:${password}@`}${loopback}:${port}`;
}

const letIn = "+OK\r\n";

/** The complete response; undefined if none arrived within `waitMs`. Never rejects. */
export async function converseWithRedis(
  { port, password }: RedisAddress,
  { text, isComplete, waitMs }: RedisQuestion,
): Promise<string | undefined> {
  if (password === undefined) return converse({ port, text, isComplete, waitMs });
  const answerOf = (received: string): string => (received.startsWith(letIn) ? received.slice(letIn.length) : received);
  const received = await converse({
    port,
    text: `AUTH ${password}\r\n${text}`,
    isComplete: (all) => all.length >= letIn.length && isComplete(answerOf(all)),
    waitMs,
  });
  return received === undefined ? undefined : answerOf(received);
}

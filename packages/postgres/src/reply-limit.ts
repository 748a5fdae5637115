// A limit on waiting for the server.
import { setTimeout as delay } from "node:timers/promises";

/** No answer came in time. What was sent may still happen, until its connection is closed. */
export class ReplyLate extends Error {
  constructor(limitMs: number) {
    super(`the server did not answer within ${limitMs} ms`);
    this.name = "ReplyLate";
  }
}

/** @throws {ReplyLate} and what `reply` rejects with */
export async function inTime<T>(reply: Promise<T>, limitMs: number): Promise<T> {
  const over = new AbortController();
  const late = async (): Promise<never> => {
    await delay(limitMs, undefined, { signal: over.signal });
    throw new ReplyLate(limitMs);
  };
  const limit = late();
  limit.catch(() => undefined);
  try {
    return await Promise.race([reply, limit]);
  } finally {
    over.abort();
  }
}

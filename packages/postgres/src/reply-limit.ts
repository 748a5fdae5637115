// A limit on waiting for the server.

/** No answer came in time. What was sent may still happen, until its connection is closed. */
export class ReplyLate extends Error {
  constructor(limitMs: number) {
    super(`the server did not answer within ${limitMs} ms`);
    this.name = "ReplyLate";
  }
}

/** @throws {ReplyLate} and what `reply` rejects with */
export function inTime<T>(reply: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new ReplyLate(limitMs)), limitMs);
    reply.then(resolve, reject).finally(() => clearTimeout(limit));
  });
}

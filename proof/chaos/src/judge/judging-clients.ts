// The clients of the checker: the same as those of the load, recorded separately.
import { RetryingClient } from "../load/retrying-client.ts";
import type { History } from "../load/history.ts";
import { Pace } from "../load/pace.ts";

const clients = 8;

/** Retries continue until the deadline. */
export async function withClients<T>(
  { urls, history, deadline }: { urls: readonly string[]; history: History; deadline: number },
  work: (workers: readonly RetryingClient[]) => Promise<T>,
): Promise<T> {
  const isStopping = (): boolean => performance.now() >= deadline;
  const pace = new Pace(undefined);
  const patienceMs = Math.max(0, deadline - performance.now());
  const workers = Array.from(
    { length: clients },
    (_, first) => new RetryingClient({ urls, first, history, pace, isStopping, patienceMs }),
  );
  try {
    return await work(workers);
  } finally {
    for (const worker of workers) worker.close();
  }
}

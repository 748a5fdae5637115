// The clients of the judge: as good as those of the load, and recorded where the judge says.
import { GoodClient } from "../load/good-client.ts";
import type { History } from "../load/history.ts";
import { Pace } from "../load/pace.ts";

const clients = 8;

/** Retries go on until the deadline. */
export async function withClients<T>(
  { urls, history, deadline }: { urls: readonly string[]; history: History; deadline: number },
  work: (workers: readonly GoodClient[]) => Promise<T>,
): Promise<T> {
  const isStopping = (): boolean => performance.now() >= deadline;
  const pace = new Pace(undefined);
  const patienceMs = Math.max(0, deadline - performance.now());
  const workers = Array.from(
    { length: clients },
    (_, first) => new GoodClient({ urls, first, history, pace, isStopping, patienceMs }),
  );
  try {
    return await work(workers);
  } finally {
    for (const worker of workers) worker.close();
  }
}

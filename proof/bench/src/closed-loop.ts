// A closed loop: a number of connections, each sending its next request when the last was answered. It measures the
// maximum throughput, not how long requests wait at a given rate.
import { KeepAliveClient, type Reply } from "./keep-alive-client.ts";

export interface ClosedLoopOptions {
  readonly url: string;
  readonly connections: number;
  /** Default: POST. */
  readonly method?: "GET" | "POST";
  /** Paths to request, each once, in order. */
  readonly paths: readonly string[];
  readonly onReply?: (index: number, reply: Reply) => void;
  /** Called for a request without an answer; default: the run ends. */
  readonly onFailure?: (index: number, error: unknown) => void;
}

export interface ClosedLoopResult {
  readonly seconds: number;
  readonly perSecond: number;
  readonly byStatus: Readonly<Record<number, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const { url, connections, method = "POST", paths, onReply, onFailure } = options;
  const byStatus: Record<number, number> = {};
  const latencies = new Float64Array(paths.length);
  let next = 0;
  const work = async (): Promise<void> => {
    const client = new KeepAliveClient(url);
    for (let index = next++; index < paths.length; index = next++) {
      const sentAt = performance.now();
      try {
        const reply = await client.request(method, paths[index] ?? "");
        byStatus[reply.status] = (byStatus[reply.status] ?? 0) + 1;
        onReply?.(index, reply);
      } catch (error) {
        if (onFailure === undefined) throw error;
        onFailure(index, error);
      }
      latencies[index] = performance.now() - sentAt;
    }
    client.close();
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, work));
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort();
  const percentile = (part: number): number => latencies[Math.floor((paths.length - 1) * part)] ?? 0;
  return { seconds, perSecond: paths.length / seconds, byStatus, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
}

// The state known to sentinels, read over their own protocol.
import { converseWithRedis, type ServerProcess } from "@assent/local-servers";
import { setTimeout as pause } from "node:timers/promises";

const askMs = 1_000;
/** Sentinels on a machine that has stalled for more than 2 s pause for the next 30 s. */
const deadlineMs = 120_000;
const pollMs = 50;

export interface MasterView {
  /** Where other processes reach it. */
  readonly port: number;
  /** Of the configuration: if sentinels differ, the newest counts. */
  readonly epoch: number;
  readonly replicas: number;
  /** Without the one that was asked. */
  readonly sentinels: number;
}

/** A sentinel's view of a master; undefined if it does not answer. */
export async function masterView(sentinel: ServerProcess, master: string): Promise<MasterView | undefined> {
  const [fields, address] = await Promise.all([
    record(sentinel, `SENTINEL MASTER ${master}\r\n`),
    // Names a new master as soon as it is promoted; the record names it only when all replicas follow.
    bulkStrings(sentinel, `SENTINEL GET-MASTER-ADDR-BY-NAME ${master}\r\n`),
  ]);
  const number = (name: string): number => Number(fields?.get(name) ?? NaN);
  const view = {
    port: Number(address?.[1] ?? NaN),
    epoch: number("config-epoch"),
    replicas: number("num-slaves"),
    sentinels: number("num-other-sentinels"),
  };
  return Number.isInteger(view.port) ? view : undefined;
}

/** Resolves when every sentinel knows all replicas and all other sentinels. @throws Error if that takes too long */
export async function sentinelsKnowAll(
  sentinels: readonly ServerProcess[],
  { masters, replicas, sentinels: others }: { masters: readonly string[]; replicas: number; sentinels: number },
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (const sentinel of sentinels) {
    for (const master of masters) {
      for (;;) {
        const view = await masterView(sentinel, master);
        if (view !== undefined && view.replicas >= replicas && view.sentinels >= others) break;
        if (performance.now() > deadline) throw new Error(`a sentinel does not know all of ${master}`);
        await pause(pollMs);
      }
    }
  }
}

/** Alternating names and values. */
async function record(sentinel: ServerProcess, text: string): Promise<ReadonlyMap<string, string> | undefined> {
  const values = await bulkStrings(sentinel, text);
  return (
    values &&
    new Map(values.flatMap((name, index) => (index % 2 === 0 ? [[name, values[index + 1] ?? ""] as const] : [])))
  );
}

async function bulkStrings(sentinel: ServerProcess, text: string): Promise<readonly string[] | undefined> {
  const strings = (received: string): readonly string[] => {
    const [head = "", ...lines] = received.split("\r\n");
    const values = lines.filter((_, index) => index % 2 === 1);
    return values.length >= Number(head.slice(1)) && lines.length >= 2 * Number(head.slice(1)) + 1 ? values : [];
  };
  const isComplete = (received: string): boolean => received.startsWith("-") || strings(received).length > 0;
  const received = await converseWithRedis(sentinel, { text, isComplete, waitMs: askMs });
  if (received === undefined || received.startsWith("-")) return undefined;
  return strings(received);
}

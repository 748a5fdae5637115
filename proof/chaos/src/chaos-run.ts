// A run: the checkout under load, one fault after another, each healed and the system healthy again before the next;
// finally all answers and all stored data are checked.
import { setTimeout as pause } from "node:timers/promises";
import type { Fault } from "./faults/fault.ts";
import { History } from "./load/history.ts";
import type { HistoryFigures } from "./load/history-figures.ts";
import { judgeShop } from "./judge/judge-shop.ts";
import { ShopLoad } from "./load/shop-load.ts";
import type { SystemUnderTest } from "./system-under-test.ts";

export interface ChaosOptions {
  readonly system: SystemUnderTest;
  /** Injected in this order; the run ends after the last. */
  readonly faults: Iterable<Fault>;
  readonly connections: number;
  readonly requestsPerSecond?: number;
  /** Pause after a fault, once the system is healthy. */
  readonly restMs?: number;
  /** Least time between two faults. */
  readonly everyMs?: number;
  /** File for the history; default: none. */
  readonly historyFile?: string;
  readonly onCase?: (result: FaultResult) => void;
}

export interface FaultResult {
  readonly name: string;
  /** From the fault until checkouts begun after it succeed steadily. */
  readonly flowsAfterMs: number;
  /** The longest time without a successful checkout, from the fault until the system was healthy. */
  readonly stoodStillMs: number;
  /** From the fault until every process answered and every replica was in sync. */
  readonly wellAfterMs: number;
}

export interface ChaosReport {
  readonly results: readonly FaultResult[];
  readonly figures: HistoryFigures;
  /** Empty if everything is correct. */
  readonly findings: readonly string[];
}

const flowDeadlineMs = 120_000;
const pollMs = 50;
const defaultRestMs = 500;

/** @throws Error if a fault has no target, or the system does not recover */
export async function chaosRun(options: ChaosOptions): Promise<ChaosReport> {
  const { system, connections, requestsPerSecond, restMs = defaultRestMs, everyMs = 0, historyFile } = options;
  const { urls } = system.topology;
  const history = new History();
  const load = new ShopLoad({
    urls,
    connections,
    history,
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
  });
  await load.seed();
  load.start();
  const results: FaultResult[] = [];
  const findings: string[] = [];
  try {
    await flows(history, performance.now());
    for (const fault of options.faults) {
      const nextAt = performance.now() + everyMs;
      const result = await strike(system, history, fault);
      results.push(result);
      options.onCase?.(result);
      await pause(Math.max(restMs, nextAt - performance.now()));
    }
  } catch (error) {
    // The behaviour until then is checked even so.
    findings.push(error instanceof Error ? error.message : String(error));
  }
  await load.stop();
  findings.push(...(await judgeShop({ load, urls, stores: () => system.storeUrls() })));
  if (historyFile !== undefined) history.toFile(historyFile);
  const figures = history.figures();
  if (figures.checkouts5xx > 0) findings.push(`${figures.checkouts5xx} checkouts were answered 5xx`);
  return { results, figures, findings };
}

async function strike(system: SystemUnderTest, history: History, { name, strike: act }: Fault): Promise<FaultResult> {
  const struckAt = performance.now();
  const struck = await act(system);
  await system.well();
  const wellAt = performance.now();
  const flowsAfterMs = await flows(history, struckAt);
  return {
    name: struck ?? name,
    flowsAfterMs,
    stoodStillMs: history.stoodStill(struckAt, Math.max(wellAt, struckAt + flowsAfterMs)),
    wellAfterMs: wellAt - struckAt,
  };
}

/** Time until checkouts succeed steadily again. @throws Error if they do not */
async function flows(history: History, atMs: number): Promise<number> {
  const deadline = performance.now() + flowDeadlineMs;
  for (;;) {
    const after = history.flowsAgainAfter(atMs);
    if (after !== undefined) return after;
    if (performance.now() > deadline) throw new Error(`checkouts did not recover within ${flowDeadlineMs} ms`);
    await pause(pollMs);
  }
}

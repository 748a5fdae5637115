// A run: the shop under load, one fault after the other, each healed and the system well again before the next; then
// everything that was told and everything that is stored is judged.
import { setTimeout as pause } from "node:timers/promises";
import type { Fault } from "./faults/fault.ts";
import { History } from "./load/history.ts";
import type { HistoryFigures } from "./load/history-figures.ts";
import { judgeShop } from "./judge/judge-shop.ts";
import { ShopLoad } from "./load/shop-load.ts";
import type { Stage } from "./stage.ts";

export interface ChaosOptions {
  readonly stage: Stage;
  /** Struck in this order; the run ends when there are no more. */
  readonly faults: Iterable<Fault>;
  readonly connections: number;
  readonly requestsPerSecond?: number;
  /** Between one fault and the next, once all is well. */
  readonly restMs?: number;
  /** From one strike to the next at least. */
  readonly everyMs?: number;
  /** Where the history is written; nowhere when left out. */
  readonly historyFile?: string;
  readonly onCase?: (result: FaultResult) => void;
}

export interface FaultResult {
  readonly name: string;
  /** From the strike until checkouts that were begun after it succeed steadily. */
  readonly flowsAfterMs: number;
  /** The longest time without a checkout that succeeded, from the strike until all was well. */
  readonly stoodStillMs: number;
  /** From the strike until every process answered and every replica was in step. */
  readonly wellAfterMs: number;
}

export interface ChaosReport {
  readonly results: readonly FaultResult[];
  readonly figures: HistoryFigures;
  /** Empty when nothing is wrong. */
  readonly findings: readonly string[];
}

const flowDeadlineMs = 120_000;
const pollMs = 50;
const defaultRestMs = 500;

/** @throws Error when a fault has nothing to strike, or the system does not recover */
export async function chaosRun(options: ChaosOptions): Promise<ChaosReport> {
  const { stage, connections, requestsPerSecond, restMs = defaultRestMs, everyMs = 0, historyFile } = options;
  const { urls } = stage.topology;
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
      const result = await strike(stage, history, fault);
      results.push(result);
      options.onCase?.(result);
      await pause(Math.max(restMs, nextAt - performance.now()));
    }
  } catch (error) {
    // What the system did until then is judged all the same.
    findings.push(error instanceof Error ? error.message : String(error));
  }
  await load.stop();
  findings.push(...(await judgeShop({ load, urls, stores: () => stage.storeUrls() })));
  if (historyFile !== undefined) history.toFile(historyFile);
  const figures = history.figures();
  if (figures.checkouts5xx > 0) findings.push(`${figures.checkouts5xx} checkouts were answered 5xx`);
  return { results, figures, findings };
}

async function strike(stage: Stage, history: History, { name, strike: act }: Fault): Promise<FaultResult> {
  const struckAt = performance.now();
  const struck = await act(stage);
  await stage.well();
  const wellAt = performance.now();
  const flowsAfterMs = await flows(history, struckAt);
  return {
    name: struck ?? name,
    flowsAfterMs,
    stoodStillMs: history.stoodStill(struckAt, Math.max(wellAt, struckAt + flowsAfterMs)),
    wellAfterMs: wellAt - struckAt,
  };
}

/** How long after a moment checkouts flow. @throws Error when they do not */
async function flows(history: History, atMs: number): Promise<number> {
  const deadline = performance.now() + flowDeadlineMs;
  for (;;) {
    const after = history.flowsAgainAfter(atMs);
    if (after !== undefined) return after;
    if (performance.now() > deadline) throw new Error(`checkouts do not flow again within ${flowDeadlineMs} ms`);
    await pause(pollMs);
  }
}

// A long run: every two hours some checkouts come, and those whose time is over go, so that after a day as many records
// go as come. What a checkout costs is then compared with what it cost before anything was old (R7).
import { ledgerOperations } from "assent/ledger";
import { defaultLimits, type Verb } from "assent/internal/protocol";
import {
  bindOperations,
  type BoundOperations,
  branchOperations,
  type Executor,
  logOperations,
  onceKeptMs,
  onceOperations,
} from "assent/internal/engine";
import { commandsOf, seedAccounts, taking } from "./commands.ts";
import { keyedAdapter, keyedOperations } from "./keyed-adapters.ts";
import { begun, decided, decision } from "./log-requests.ts";
import type { TestClock } from "./test-clock.ts";

const stepMs = 7_200_000;
const sweepLimit = 1_000;
const perStep = 40;
/** Rounds after which everything that can grow old has done so. */
const stepsUntilSteady = Math.ceil(Math.max(onceKeptMs, 4 * defaultLimits.maxAgeMs) / stepMs) + 1;

export function longRunOperations(): BoundOperations {
  return { ...keyedOperations(), ...bindOperations(onceOperations, {}) };
}

export interface LongRun {
  /** Takes the checkouts. */
  readonly working: Executor;
  /** Sweeps: another process, which has seen none of them. */
  readonly sweeping: Executor;
  readonly clock: TestClock;
  /** What has been spent so far, of what is counted. */
  readonly spent: () => LongRunCost;
}

/** Of one checkout: what was counted, by name. */
export type LongRunCost = Readonly<Record<string, number>>;

export interface LongRunCosts {
  /** Before anything is old enough to be removed. */
  readonly young: LongRunCost;
  /** When as many records go as come, and after the same time again. */
  readonly steady: LongRunCost;
  readonly late: LongRunCost;
}

export async function longRunCosts(run: LongRun): Promise<LongRunCosts> {
  const { spent } = run;
  await seedAccounts(keyedAdapter(run.working), { available: 1_000_000 });
  let made = 0;
  const steps = async (count: number): Promise<LongRunCost> => {
    const before = spent();
    for (let step = 0; step < count; step += 1) {
      await oneStep(run, made);
      made += perStep;
    }
    const after = Object.entries(spent());
    return Object.fromEntries(after.map(([name, now]) => [name, (now - (before[name] ?? 0)) / (count * perStep)]));
  };
  await steps(1);
  const young = await steps(1);
  await steps(stepsUntilSteady);
  const steady = await steps(4);
  await steps(stepsUntilSteady);
  return { young, steady, late: await steps(4) };
}

async function oneStep({ working, sweeping, clock }: LongRun, first: number): Promise<void> {
  clock.advance(stepMs);
  const numbers = Array.from({ length: perStep }, (_, index) => first + index);
  const adapter = keyedAdapter(working);
  const { log, store } = adapter;
  await Promise.all(
    numbers.map(async (number) => {
      const key = `order-${number}`;
      const create = { incarnation: "life1", fields: { total: 30 } };
      const record = await begun(adapter, clock, { key, create });
      const command = commandsOf(clock, { txId: record.txId, payload: taking(["0", 1]) });
      const apply = (verb: Verb): Promise<unknown> => store.apply([command(verb)]);
      await apply("prepare");
      await decided(adapter, decision(record, "commit"));
      await apply("commit");
      await log.end(record);
      await apply("forget");
      await working.runOnce({ key: `key-${number}`, fingerprint: 1 }, ledgerOperations.deposit, {
        accountId: "1",
        amount: 1,
      });
    }),
  );
  await sweepEverything(sweeping);
}

async function sweepEverything(executor: Executor): Promise<void> {
  for (let more = true; more;) ({ more } = await executor.run(branchOperations.sweepBranches, { limit: sweepLimit }));
  for (let more = true; more;) {
    const swept = await executor.run(logOperations.sweepLog, { limit: sweepLimit });
    const places = swept.removable.map(({ dueAt, record }) => ({ dueAt, txId: record.txId }));
    if (places.length > 0) await executor.run(logOperations.removeSwept, { places });
    ({ more } = swept);
  }
  while ((await executor.run(onceOperations.sweepOnce, { limit: sweepLimit })) === sweepLimit);
}

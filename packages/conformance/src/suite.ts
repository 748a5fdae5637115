// What a suite is: named cases, so that they can be registered as tests, and also be run to see which of them fail.
import { describe, test } from "node:test";
import { TestClock } from "./test-clock.ts";

export interface Case<Adapter> {
  readonly name: string;
  /** Rejects when the adapter does not keep its promise. The time of the adapter is the clock's. */
  readonly run: (adapter: Adapter, clock: TestClock) => Promise<void>;
}

export interface Suite<Adapter> {
  readonly name: string;
  readonly cases: readonly Case<Adapter>[];
}

export interface Opened<Adapter> {
  readonly adapter: Adapter;
  readonly close: () => void | Promise<void>;
}

/** Makes a new, empty adapter whose time is the clock's. Each case gets its own. */
export type Open<Adapter> = (clock: TestClock) => Opened<Adapter> | Promise<Opened<Adapter>>;

/** Registers each case as a test. */
export function register<Adapter>(suite: Suite<Adapter>, open: Open<Adapter>): void {
  describe(suite.name, () => {
    for (const each of suite.cases) test(each.name, () => runCase(each, open));
  });
}

/** The names of the cases that an adapter fails. */
export async function failuresOf<Adapter>(suite: Suite<Adapter>, open: Open<Adapter>): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const each of suite.cases) {
    try {
      await runCase(each, open);
    } catch {
      failures.push(each.name);
    }
  }
  return failures;
}

async function runCase<Adapter>(each: Case<Adapter>, open: Open<Adapter>): Promise<void> {
  const clock = new TestClock();
  const { adapter, close } = await open(clock);
  try {
    await each.run(adapter, clock);
  } finally {
    await close();
  }
}

// Commands to branches of a ledger, with defaults, and the look at what they did.
import type { Account } from "assent/ledger";
import {
  type Answer,
  type Command,
  defaultLimits,
  type Protocol,
  type Verb,
  verbTable,
} from "assent/internal/protocol";
import assert from "node:assert/strict";
import type { LedgerAdapter } from "./adapters.ts";
import type { TestClock } from "./test-clock.ts";

export const protocols: readonly Protocol[] = ["2pc", "saga"];
export const origin = "origin of the transaction";

const sagaVerbs: ReadonlySet<Verb> = new Set(["execute", "complete", "compensate"]);

/** The payload that takes amounts from accounts. */
export function taking(...entries: readonly (readonly [accountId: string, amount: number])[]): Command["payload"] & {} {
  return { entries };
}

/** Commands of one transaction, begun now: ten from account 0. */
export function commandsOf(clock: TestClock, common: Partial<Command> = {}): (verb: Verb) => Command {
  const begunAt = clock.now();
  return (verb) => ({
    txId: "order-1:life1:1",
    branchId: "stock/0",
    verb,
    protocol: sagaVerbs.has(verb) ? "saga" : "2pc",
    epoch: begunAt,
    begunAt,
    deadlineAt: begunAt + defaultLimits.phaseOneDeadlineMs,
    payload: taking(["0", 10]),
    origin,
    ...common,
  });
}

/** The verbs of a protocol, as commands of one transaction. */
export function commandsIn(
  clock: TestClock,
  protocol: Protocol,
  common: Partial<Command> = {},
): Readonly<Record<"vote" | "forward" | "backward" | "query" | "forget", Command>> {
  const command = commandsOf(clock, { protocol, ...common });
  const { vote, forward, backward } = verbTable[protocol];
  return {
    vote: command(vote),
    forward: command(forward),
    backward: command(backward),
    query: command("query-or-prevent"),
    forget: command("forget"),
  };
}

export const tombstoneOf = (protocol: Protocol): Answer => ({
  kind: "done",
  state: verbTable[protocol].backwardState,
});
export const yesOf = (protocol: Protocol): Answer => ({ kind: "done", state: verbTable[protocol].yesState });
export const finalOf = (protocol: Protocol): Answer => ({ kind: "done", state: verbTable[protocol].forwardState });

/** Three accounts of 100, numbered from 0. */
export function seedAccounts({ accounts }: LedgerAdapter, change: Partial<SeedChange> = {}): Promise<unknown> {
  return accounts.seed({ first: 0, count: 3, generation: "seed1", available: 100, details: null, ...change });
}

interface SeedChange {
  readonly first: number;
  readonly count: number;
  readonly generation: string;
  readonly available: number;
}

/** Sends one command and gets its answer. */
export async function applied({ store }: LedgerAdapter, command: Command): Promise<Answer> {
  const [answer] = await store.apply([command]);
  assert.ok(answer !== undefined, "one answer per command");
  return answer;
}

type Parts = Partial<Pick<Account, "available" | "held" | "spent">>;

/** Asserts the parts of an account; a part that is not named is 0. */
export async function assertAccount({ accounts }: LedgerAdapter, accountId: string, parts: Parts): Promise<void> {
  const account = await accounts.find(accountId);
  const { available, held, spent } = account ?? {};
  const expected = { available: 0, held: 0, spent: 0, ...parts };
  assert.deepEqual({ available, held, spent }, expected, `account ${accountId}`);
}

/** Asserts S2 over all accounts, and S3 where the sums can show it. */
export async function assertConserved({ accounts }: LedgerAdapter): Promise<void> {
  const { available, held, spent, deposited, withdrawn } = await accounts.totals();
  const sums = JSON.stringify({ available, held, spent, deposited, withdrawn });
  assert.equal(deposited, available + held + spent + withdrawn, `S2: ${sums}`);
  assert.ok(Math.min(available, held, spent, deposited, withdrawn) >= 0, `S3: ${sums}`);
}

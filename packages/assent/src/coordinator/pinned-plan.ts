// The plan of one transaction, pinned by the hash in its record: recovery goes on only with the same one (C7).
import { type BranchSpec, fingerprintOf, type Json, type Protocol, type TransactionOrigin } from "../protocol/index.ts";
import type { RowChange } from "../ports/transaction-log.ts";
import { type AnyTransaction, type Plannable, planBranches, type PlanLimits } from "./definition.ts";
import type { CheckedRequest } from "./run-request.ts";
import { parseInput } from "./standard-schema.ts";

/** What has to be known of an attempt before it begins. */
export interface Pin {
  readonly hash: number;
  readonly services: readonly string[];
  /** Those that every step supports. */
  readonly protocols: readonly Protocol[];
}

const bothProtocols: readonly Protocol[] = ["2pc", "saga"];

/** Never throws: a plan that fails is reported when the attempt has begun, with the reason in its record. */
export function pinOf<Input>(transaction: Plannable<Input>, { input }: CheckedRequest, limits: PlanLimits): Pin {
  const { hash, services = [] } = transaction;
  if (hash !== "of_plan") return { hash, services, protocols: bothProtocols };
  try {
    const branches = planBranches(transaction, input ?? null, limits);
    const steps = transaction.plan(parseInput(transaction.input, input));
    return {
      hash: hashOfPlan(transaction.name, branches),
      services: [...new Set(branches.map(({ service }) => service))],
      protocols: bothProtocols.filter((protocol) =>
        steps.every(({ protocols = bothProtocols }) => protocols.includes(protocol)),
      ),
    };
  } catch {
    return { hash: 0, services: [], protocols: bothProtocols };
  }
}

function hashOfPlan(name: string, branches: readonly BranchSpec[]): number {
  return fingerprintOf([
    name,
    branches.map(({ branchId, service, partition, payload, after }): Json => [
      branchId,
      service,
      partition,
      payload,
      [...after],
    ]),
  ]);
}

export interface PinnedPlan {
  readonly branches: readonly BranchSpec[];
  readonly onCommit: RowChange | undefined;
}

/**
 * The plan that a record was begun with, from one of the definitions of its name; undefined when none has it.
 * @throws what planning throws, when no other definition has it
 */
export function pinnedPlan(
  definitions: readonly AnyTransaction[],
  record: Pick<TransactionOrigin, "definition" | "definitionHash" | "input">,
  limits: PlanLimits,
): PinnedPlan | undefined {
  let failure: { readonly error: unknown } | undefined;
  for (const definition of definitions) {
    const { name, hash, onCommit } = definition;
    if (name !== record.definition || (hash !== "of_plan" && hash !== record.definitionHash)) continue;
    try {
      const branches = planBranches(definition, record.input, limits);
      const planned = hash === "of_plan" ? hashOfPlan(name, branches) : hash;
      if (planned === record.definitionHash) return { branches, onCommit };
    } catch (error) {
      failure = { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return undefined;
}

// A branch store with injected faults: the participant in front of it, and the sender of a command, observe the same as
// with a crash, a slow disk or a lost reply.
import type { BranchStore, BranchSweep } from "assent/internal/ports";
import type { Answer, Command } from "assent/internal/protocol";
import { type FaultRules, InjectedFault } from "./fault-rules.ts";

type OnFailure = Parameters<BranchStore["apply"]>[1];

export class FaultyBranchStore implements BranchStore {
  readonly #store: BranchStore;
  readonly #rules: FaultRules;

  constructor(store: BranchStore, rules: FaultRules) {
    this.#store = store;
    this.#rules = rules;
  }

  /** Rejects, unlike other branch stores, if the reply of the whole message is to be dropped. */
  async apply(commands: readonly Command[], onFailure?: OnFailure): Promise<readonly Answer[]> {
    // No active rule: the batch stays one batch.
    if (this.#rules.list().length === 0) return this.#store.apply(commands, onFailure);
    return Promise.all(commands.map((command) => this.#applyOne(command, onFailure)));
  }

  sweep(limit: number): Promise<BranchSweep> {
    return this.#store.sweep(limit);
  }

  async #applyOne(command: Command, onFailure: OnFailure): Promise<Answer> {
    try {
      return await this.#rules.around(command.verb, async () => {
        const [answer] = await this.#store.apply([command], onFailure);
        return answer ?? { kind: "unknown", reason: "no_answer" };
      });
    } catch (error) {
      if (!(error instanceof InjectedFault) || error.isSilent) throw error;
      return { kind: "unknown", reason: error.message };
    }
  }
}

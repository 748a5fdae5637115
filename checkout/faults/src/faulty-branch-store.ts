// A branch store that fails as the rules say: the participant in front of it, and whoever sent the command, see what
// they would see of a crash, a slow disk or a lost reply.
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

  /** Rejects, unlike other branch stores, when the reply of the whole message is to be dropped. */
  async apply(commands: readonly Command[], onFailure?: OnFailure): Promise<readonly Answer[]> {
    // Nothing in force: the batch stays one batch.
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

// The active rules of one process: one per point, in memory, cleared by a restart.
import type { FaultRule } from "@assent/contract";
import type { Clock, Random } from "assent/internal/ports";
import { checkPoint } from "./fault-rule.ts";

/** A rule, and how many times it has fired in this process. */
export interface ActiveFault extends FaultRule {
  readonly fired: number;
}

export interface FaultRulesOptions {
  /** Points of this service. */
  readonly points: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the process at once, as `kill -9` would. */
  readonly crash: (point: string) => void;
}

/** A step that was made to fail. Its caller reports what it would have changed. `code` is stable. */
export class InjectedFault extends Error {
  readonly code = "injected_fault";

  /** Whether no reply may be sent. */
  readonly isSilent: boolean;

  constructor(point: string, isSilent = false) {
    super(`Injected fault at ${point}`);
    this.name = "InjectedFault";
    this.isSilent = isSilent;
  }
}

export class FaultRules {
  readonly #options: FaultRulesOptions;
  readonly #active = new Map<string, { readonly rule: FaultRule; fired: number }>();

  constructor(options: FaultRulesOptions) {
    this.#options = options;
  }

  /** Sets a rule in place of the previous one of its point. @throws {InvalidFault} */
  set(rule: FaultRule): void {
    this.#active.set(rule.point, { rule: checkPoint(rule, this.#options.points), fired: 0 });
  }

  /** Removes the rule of a point, or all rules. */
  clear(point?: string): void {
    if (point === undefined) this.#active.clear();
    else this.#active.delete(point);
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ rule, fired }) => ({ ...rule, fired }));
  }

  /**
   * Executes a step under the rules of the points around it.
   * @throws {InjectedFault} if a rule requires it: before the step, or after its execution
   */
  async around<T>(step: string, work: () => Promise<T>): Promise<T> {
    const before = await this.#fire(`before_${step}`);
    if (before === "error") throw new InjectedFault(`before_${step}`);
    const result = await work();
    if (before === "duplicate") await work();
    const after = await this.#fire(`after_${step}`);
    if (after === "duplicate") await work();
    if (after === "error") throw new InjectedFault(`after_${step}`);
    if (before === "drop_reply") throw new InjectedFault(`before_${step}`, true);
    if (after === "drop_reply") throw new InjectedFault(`after_${step}`, true);
    return result;
  }

  /** Crashes and waits here; other work is still answered. */
  async #fire(point: string): Promise<FaultRule["action"] | undefined> {
    const active = this.#active.get(point);
    if (active === undefined) return undefined;
    const { rule } = active;
    const { clock, random, crash } = this.#options;
    if (rule.count !== undefined && active.fired >= rule.count) return undefined;
    if (rule.probability !== undefined && random.uniform() >= rule.probability) return undefined;
    active.fired += 1;
    if (rule.action === "crash") crash(point);
    if (rule.action === "delay") {
      await new Promise<void>((resolve) => {
        clock.after(rule.value, resolve);
      });
    }
    return rule.action;
  }
}

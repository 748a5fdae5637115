// The rules in force in one process: one per point, in memory, gone with a restart.
import type { FaultRule } from "@assent/contract";
import type { Clock, Random } from "assent/internal/ports";
import { checkPoint } from "./fault-rule.ts";

/** A rule, and how often it has fired in this process. */
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

/** A step that was made to fail. What it would have changed is said by whoever asked for it. `code` is stable. */
export class InjectedFault extends Error {
  readonly code = "injected_fault";

  /** Nobody is to be answered. */
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

  /** Puts a rule in place of the one that its point had. @throws {InvalidFault} */
  set(rule: FaultRule): void {
    this.#active.set(rule.point, { rule: checkPoint(rule, this.#options.points), fired: 0 });
  }

  /** Takes the rule of a point away, or all of them. */
  clear(point?: string): void {
    if (point === undefined) this.#active.clear();
    else this.#active.delete(point);
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ rule, fired }) => ({ ...rule, fired }));
  }

  /**
   * Does a step as the rules of the points around it say.
   * @throws {InjectedFault} where a rule says so: before the step, or after it was done
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

  /** Crashes and waits here; what else is to be done is answered. */
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

// Breadth-first exploration of every state of a world. The first violation found has a shortest trace.
//
// S7 is checked on the whole graph: when faults have stopped, every remaining schedule must settle. So every state
// without a free step has to be settled, and there may be no cycles.
import { InvariantViolation } from "assent/internal/protocol";
import { type Applied, applyStep, initialState, isSettled } from "./apply-step.ts";
import { Canonical } from "./canonical.ts";
import { Setting } from "./draft.ts";
import { endless, type FreeSteps } from "./endless.ts";
import { type Broken, brokenRule, mayStayParked } from "./invariants.ts";
import type { WorldState } from "./world-state.ts";
import { describeStep, isFree, type WorldStep, stepsOf } from "./world-steps.ts";
import type { World } from "./world.ts";

export interface Finding extends Broken {
  /** From the beginning to the violation, one step per line. */
  readonly trace: readonly string[];
}

export interface Exploration {
  readonly world: string;
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest state. */
  readonly depth: number;
  /** At most one: the exploration ends there. */
  readonly violations: readonly Finding[];
}

export interface ExploreOptions {
  /** Fails with an error beyond this many states (5 million). */
  readonly statesMax?: number;
  /** Called after every level. */
  readonly onLevel?: (progress: { readonly depth: number; readonly states: number }) => void;
}

/** More states than allowed. `code` is stable. */
export class WorldTooLarge extends Error {
  readonly code = "world_too_large";

  constructor(world: string, statesMax: number) {
    super(`${world} has more than ${statesMax} states`);
    this.name = "WorldTooLarge";
  }
}

/** @throws {WorldTooLarge} */
export function explore(world: World, options: ExploreOptions = {}): Exploration {
  return new Explorer(world, options).run();
}

interface Reached {
  readonly id: number;
  readonly state: WorldState;
}

class Explorer {
  readonly #setting: Setting;
  readonly #options: ExploreOptions;
  readonly #canonical = new Canonical();
  readonly #ids = new Map<string, number>();
  /** By state: its first predecessor, and the step from it. */
  readonly #parents: number[] = [];
  readonly #ordinals: number[] = [];
  readonly #free: FreeSteps = { from: [], to: [] };
  /** States that may stay unchanged for ever. */
  readonly #restful = new Set<number>();
  #next: Reached[] = [];
  #transitions = 0;
  #depth = 0;
  #violation: Finding | undefined;

  constructor(world: World, options: ExploreOptions) {
    this.#setting = new Setting(world);
    this.#options = options;
  }

  run(): Exploration {
    const first = initialState(this.#setting);
    this.#keep(first.state, -1, -1);
    const broken = brokenRule(this.#setting, first.notices, { before: undefined, step: undefined, after: first.state });
    if (broken !== undefined) this.#violated(broken, ["the attempt begins"]);
    while (this.#next.length > 0 && this.#violation === undefined) {
      const level = this.#next;
      this.#next = [];
      for (const reached of level) if (this.#violation === undefined) this.#expand(reached);
      if (this.#next.length > 0) this.#depth += 1;
      this.#options.onLevel?.({ depth: this.#depth, states: this.#ids.size });
    }
    if (this.#violation === undefined) this.#judgeCircles();
    const { name } = this.#setting.world;
    const violations = this.#violation === undefined ? [] : [this.#violation];
    return { world: name, states: this.#ids.size, transitions: this.#transitions, depth: this.#depth, violations };
  }

  #expand({ id, state }: Reached): void {
    const steps = stepsOf(this.#setting, state);
    let goesOn = false;
    for (const [ordinal, step] of steps.entries()) {
      const applied = this.#attempt(id, state, step);
      if (applied === undefined) return;
      this.#transitions += 1;
      const to = this.#keep(applied.state, id, ordinal);
      if (!isFree(step)) continue;
      goesOn = true;
      this.#free.from.push(id);
      this.#free.to.push(to);
    }
    const { world } = this.#setting;
    if (mayStayParked(world, state)) this.#restful.add(id);
    else if (!goesOn && !isSettled(state)) {
      this.#violated(
        { rule: "S7", text: "nothing is in flight, but the transaction has not ended" },
        this.#traceTo(id),
      );
    }
  }

  /** The checked step. Undefined if it broke a rule. */
  #attempt(id: number, state: WorldState, step: WorldStep): Applied | undefined {
    let broken: Broken | undefined;
    try {
      const applied = applyStep(this.#setting, state, step);
      broken = brokenRule(this.#setting, applied.notices, { before: state, step, after: applied.state });
      if (broken === undefined) return applied;
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      broken = { rule: error.rule, text: error.message };
    }
    this.#violated(broken, [...this.#traceTo(id), describeStep(step)]);
    return undefined;
  }

  /** The number of a state, which is scheduled for expansion if it is new. */
  #keep(state: WorldState, parent: number, ordinal: number): number {
    const key = this.#canonical.keyOf(state);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    const { statesMax = 5_000_000 } = this.#options;
    if (id >= statesMax) throw new WorldTooLarge(this.#setting.world.name, statesMax);
    this.#ids.set(key, id);
    this.#parents.push(parent);
    this.#ordinals.push(ordinal);
    this.#next.push({ id, state });
    return id;
  }

  #violated(broken: Broken, trace: readonly string[]): void {
    this.#violation ??= { ...broken, trace };
  }

  #judgeCircles(): void {
    const fairly = this.#setting.world.fairly ?? false;
    const [first] = endless(this.#ids.size, this.#free, { restful: this.#restful, fairly });
    if (first === undefined) return;
    this.#violated({ rule: "S7", text: "the following steps may repeat for ever" }, this.#traceTo(first));
  }

  /** Describes the path to a state. */
  #traceTo(id: number): readonly string[] {
    const ordinals: number[] = [];
    for (let at = id; at > 0; at = this.#parents[at] ?? 0) ordinals.unshift(this.#ordinals[at] ?? 0);
    const lines = ["the attempt begins"];
    let { state } = initialState(this.#setting);
    for (const ordinal of ordinals) {
      const step = stepsOf(this.#setting, state)[ordinal];
      if (step === undefined) break;
      lines.push(describeStep(step));
      ({ state } = applyStep(this.#setting, state, step));
    }
    return lines;
  }
}

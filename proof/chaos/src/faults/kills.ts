// Kills of one process each: of every one of a list in turns, or, for a soak, at random for as long as is asked.
import { type Fault, killProcess, roleOf } from "./fault.ts";

export interface SoakOptions {
  /** Names of processes. */
  readonly victims: readonly string[];
  readonly minutes: number;
  /** In [0, 1). */
  readonly draw: () => number;
}

/** Told as "<role> <name>". */
export function killOf(victim: string): Fault {
  return {
    name: victim,
    async strike(stage) {
      const role = await roleOf(stage, victim);
      await killProcess(stage, victim);
      return `${role} ${victim}`;
    },
  };
}

/** Until the time is over. */
export function* soakKills({ victims, minutes, draw }: SoakOptions): Generator<Fault> {
  const endAt = performance.now() + minutes * 60_000;
  while (performance.now() < endAt) {
    yield killOf(victims[Math.floor(draw() * victims.length)] ?? "");
  }
}

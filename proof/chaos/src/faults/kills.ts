// Kills of single processes: each of a list in turn or, for a soak, random ones for a given time.
import { type Fault, killProcess, roleOf } from "./fault.ts";

export interface SoakOptions {
  /** Names of processes. */
  readonly victims: readonly string[];
  readonly minutes: number;
  /** In [0, 1). */
  readonly draw: () => number;
}

/** Reported as "<role> <name>". */
export function killOf(victim: string): Fault {
  return {
    name: victim,
    async strike(system) {
      const role = await roleOf(system, victim);
      await killProcess(system, victim);
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

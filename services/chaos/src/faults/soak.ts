// A soak: one process after the other killed at random, for as long as is asked.
import { type Fault, killProcess, roleOf } from "./fault.ts";

export interface SoakOptions {
  /** Names of processes. */
  readonly victims: readonly string[];
  readonly minutes: number;
  /** In [0, 1). */
  readonly draw: () => number;
}

/** Kills of one victim each until the time is over, told as "<role> <name>". */
export function* soakKills({ victims, minutes, draw }: SoakOptions): Generator<Fault> {
  const endAt = performance.now() + minutes * 60_000;
  while (performance.now() < endAt) {
    const victim = victims[Math.floor(draw() * victims.length)] ?? "";
    yield {
      name: victim,
      async strike(stage) {
        const role = await roleOf(stage, victim);
        await killProcess(stage, victim);
        return `${role} ${victim}`;
      },
    };
  }
}

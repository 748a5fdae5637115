// The fault rules of a process, from its settings.
import { FaultRules, parseFaults } from "@assent/faults";
import { systemClock, systemRandom } from "assent/node";
import { writeSync } from "node:fs";

/**
 * @param initial as in FAULT_INJECT; rules for points outside `points` belong to other services
 * @throws {InvalidFault}
 */
export function faultRules(points: readonly string[], initial: string): FaultRules {
  const rules = new FaultRules({
    points,
    clock: systemClock,
    random: systemRandom,
    crash(point) {
      // Synchronous: anything printed later would be lost.
      writeSync(2, `assent: injected crash at ${point}\n`);
      process.kill(process.pid, "SIGKILL");
    },
  });
  for (const rule of parseFaults(initial)) if (points.includes(rule.point)) rules.set(rule);
  return rules;
}

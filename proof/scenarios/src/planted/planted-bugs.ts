// Each takes one guard of the real sources away. The simulator must catch every one of them.
import { coordinatorBugs } from "./coordinator-bugs.ts";
import { lifecycleBugs } from "./lifecycle-bugs.ts";
import { lifetimeBugs } from "./lifetime-bugs.ts";
import { orchestratorBugs } from "./orchestrator-bugs.ts";
import { participantBugs } from "./participant-bugs.ts";
import type { PlantedBug } from "./plant.ts";
import { sweepBugs } from "./sweep-bugs.ts";

export const plantedBugs: readonly PlantedBug[] = [
  ...participantBugs,
  ...coordinatorBugs,
  ...orchestratorBugs,
  ...sweepBugs,
  ...lifecycleBugs,
  ...lifetimeBugs,
];

// Each mutant removes one guard of the real sources. The simulator must catch every one of them.
import { coordinatorMutants } from "./coordinator-mutants.ts";
import { lifecycleMutants } from "./lifecycle-mutants.ts";
import { lifetimeMutants } from "./lifetime-mutants.ts";
import { orchestratorMutants } from "./orchestrator-mutants.ts";
import { participantMutants } from "./participant-mutants.ts";
import type { Mutant } from "./apply-mutant.ts";
import { sweepMutants } from "./sweep-mutants.ts";

export const simulatedMutants: readonly Mutant[] = [
  ...participantMutants,
  ...coordinatorMutants,
  ...orchestratorMutants,
  ...sweepMutants,
  ...lifecycleMutants,
  ...lifetimeMutants,
];

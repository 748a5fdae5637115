// Chance as the machine has it.
import type { Random } from "../ports/index.ts";
import { randomUUID } from "node:crypto";

export const systemRandom: Random = {
  uniform: () => Math.random(),
  name: () => randomUUID(),
};

import { brokenAges, brokenSweeps } from "../test-kit/broken-ages.ts";
import { goodStore } from "../test-kit/broken-operations.ts";
import { brokenSteps } from "../test-kit/broken-steps.ts";
import { provesItself } from "../test-kit/catches.ts";
import { branchStoreCases } from "./branch-store-suite.ts";

provesItself(branchStoreCases, { good: goodStore, broken: [...brokenSteps, ...brokenAges, ...brokenSweeps] });

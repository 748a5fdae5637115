import { brokenLeases } from "../test-kit/broken-leases.ts";
import { goodStore } from "../test-kit/broken-operations.ts";
import { provesItself } from "../test-kit/catches.ts";
import { leaseCases } from "./lease-suite.ts";

provesItself(leaseCases, { good: goodStore, broken: brokenLeases });

import { brokenLedgers } from "../test-kit/broken-ledgers.ts";
import { goodStore } from "../test-kit/broken-operations.ts";
import { provesItself } from "../test-kit/catches.ts";
import { ledgerCases } from "./ledger-suite.ts";

provesItself(ledgerCases, { good: goodStore, broken: brokenLedgers });

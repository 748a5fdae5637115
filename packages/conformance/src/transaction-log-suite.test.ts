import { brokenBegins } from "../test-kit/broken-begins.ts";
import { brokenHistories } from "../test-kit/broken-histories.ts";
import { goodStore } from "../test-kit/broken-operations.ts";
import { brokenIndexes } from "../test-kit/broken-indexes.ts";
import { brokenKeys } from "../test-kit/broken-keys.ts";
import { brokenRebuilds } from "../test-kit/broken-rebuilds.ts";
import { brokenWrites } from "../test-kit/broken-writes.ts";
import { provesItself } from "../test-kit/catches.ts";
import { transactionLogCases } from "./transaction-log-suite.ts";

provesItself(transactionLogCases, {
  good: goodStore,
  broken: [...brokenBegins, ...brokenKeys, ...brokenIndexes, ...brokenWrites, ...brokenRebuilds, ...brokenHistories],
});

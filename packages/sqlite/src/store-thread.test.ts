import {
  branchStoreSuite,
  differentialSuite,
  type KeyedAdapter,
  keyedAdapter,
  leaseSuite,
  ledgerSuite,
  type Open,
  transactionLogSuite,
} from "@assent/conformance";
import { Executor } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after } from "node:test";
import { makeEmpty } from "../test-kit/noted-tables.ts";
import type { SuiteThreadData } from "../test-kit/suite-thread.ts";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { StoreClient } from "./store-client.ts";

const folder = new TemporaryFolder();
const time = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
const cell = new BigInt64Array(time);
const client = new StoreClient({
  module: new URL("../test-kit/suite-thread.ts", import.meta.url),
  workerData: { path: folder.file(), time } satisfies SuiteThreadData,
  onFailed: (error) => assert.fail(error),
});
after(async () => {
  await client.close();
  folder.remove();
});

const open: Open<KeyedAdapter> = async ({ now }) => {
  await client.run(makeEmpty, undefined);
  const executor = Executor.over((call) => {
    Atomics.store(cell, 0, BigInt(now()));
    return client.perform(call);
  });
  return { adapter: keyedAdapter(executor), close: () => undefined };
};

transactionLogSuite(open);
branchStoreSuite(open);
ledgerSuite(open);
leaseSuite(open);
differentialSuite(open, { seeds: [2] });

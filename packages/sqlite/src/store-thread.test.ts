import {
  branchStoreSuite,
  differentialSuite,
  type KeyedAdapter,
  keyedAdapter,
  type KeyedOperations,
  leaseSuite,
  ledgerSuite,
  type Open,
  transactionLogSuite,
} from "@assent/conformance";
import type { Executor } from "assent/internal/engine";
import assert from "node:assert/strict";
import { after } from "node:test";
import type { SuiteOperations, SuiteThreadData } from "../test-kit/suite-thread.ts";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { StoreClient } from "./store-client.ts";

const folder = new TemporaryFolder();
const time = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
const cell = new BigInt64Array(time);
const client = new StoreClient<SuiteOperations>({
  module: new URL("../test-kit/suite-thread.ts", import.meta.url),
  workerData: { path: folder.file(), time } satisfies SuiteThreadData,
  onFailed: (error) => assert.fail(error),
});
after(async () => {
  await client.close();
  folder.remove();
});

const ports = client as unknown as Executor<KeyedOperations>;

const open: Open<KeyedAdapter> = async ({ now }) => {
  await client.run("makeEmpty", undefined);
  const executor: Executor<KeyedOperations> = {
    run(name, args) {
      Atomics.store(cell, 0, BigInt(now()));
      return ports.run(name, args);
    },
    runOnce: (once, name, args) => ports.runOnce(once, name, args),
  };
  return { adapter: keyedAdapter(executor), close: () => undefined };
};

transactionLogSuite(open);
branchStoreSuite(open);
ledgerSuite(open);
leaseSuite(open);
differentialSuite(open, { seeds: [2] });

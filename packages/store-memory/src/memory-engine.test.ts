import {
  branchStoreSuite,
  keyedEngineSuite,
  leaseSuite,
  ledgerSuite,
  openKeyed,
  transactionLogSuite,
} from "@assent/conformance";
import assert from "node:assert/strict";
import { MemoryEngine } from "./memory-engine.ts";

const open = openKeyed(() => new MemoryEngine());

transactionLogSuite(open);
branchStoreSuite(open);
ledgerSuite(open);
leaseSuite(open);
keyedEngineSuite(() => {
  const engine = new MemoryEngine();
  return { adapter: { engine, reopen: () => assert.fail("memory survives nothing") }, close: () => engine.close() };
});

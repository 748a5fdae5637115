import {
  branchStoreSuite,
  differentialSuite,
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
differentialSuite(open);
keyedEngineSuite(() => {
  const engine = new MemoryEngine();
  const never = (): never => assert.fail("memory survives nothing");
  return { adapter: { engine, reopen: never, crashes: never }, close: () => engine.close() };
});

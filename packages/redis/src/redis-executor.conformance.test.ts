// Every suite of a port, unmodified, over a real server.
import {
  branchStoreSuite,
  differentialSuite,
  keyedAdapter,
  type KeyedAdapter,
  keyedOperations,
  leaseSuite,
  ledgerSuite,
  type Open,
  transactionLogSuite,
} from "@assent/conformance";
import { after } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";

const server = await TestServer.start();
after(() => server.stop());

const open: Open<KeyedAdapter> = async ({ now }) => {
  const executor = await server.open({ prefix: server.prefix(), operations: keyedOperations(), now });
  return { adapter: keyedAdapter(executor), close: () => executor.close() };
};

transactionLogSuite(open);
branchStoreSuite(open);
ledgerSuite(open);
leaseSuite(open);
// One call at a time: a repeated step may have left a place in the waiting line, which is only a hint (P10).
differentialSuite(open, { seeds: [8], roundsMax: 40_000, together: 1 });

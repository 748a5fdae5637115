import {
  branchStoreSuite,
  differentialSuite,
  type EngineAdapter,
  keyedEngineSuite,
  leaseSuite,
  ledgerSuite,
  type Open,
  openKeyed,
  transactionLogSuite,
} from "@assent/conformance";
import { after } from "node:test";
import { logOf, TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { SqliteEngine } from "./sqlite-engine.ts";

const folder = new TemporaryFolder();
after(() => folder.remove());

/** Crashes that are tried for one history, besides the one that loses nothing. */
const crashesMax = 16;

const openEngine: Open<EngineAdapter> = () => {
  const path = folder.file();
  const engine = new SqliteEngine(path);
  let current = engine;
  const adapter: EngineAdapter = {
    engine,
    reopen() {
      current.close();
      current = new SqliteEngine(path);
      return current;
    },
    *crashes() {
      const bytes = logOf(path).length;
      for (let crash = 0; crash <= crashesMax; crash += 1) {
        const lostBytes = bytes - Math.round((bytes * crash) / crashesMax);
        const crashed = new SqliteEngine(folder.crashed(path, lostBytes));
        yield crashed;
        crashed.close();
      }
    },
  };
  return { adapter, close: () => current.close() };
};

const open = openKeyed(() => new SqliteEngine(folder.file()));

keyedEngineSuite(openEngine);
transactionLogSuite(open);
branchStoreSuite(open);
ledgerSuite(open);
leaseSuite(open);
differentialSuite(open, { seeds: [1] });

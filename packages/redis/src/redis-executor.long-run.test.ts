// R7: the cost of a checkout for the server does not grow with history, although another process than the one that
// takes the checkouts removes old records.
import { type LongRunCost, longRunCosts, longRunOperations, TestClock } from "@assent/conformance";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import { redisConnect } from "./redis-client-port.ts";
import type { RedisPort, RedisReply } from "./redis-port.ts";

const server = await TestServer.start();
after(() => server.stop());

/** As the protocol writes them: each text with its length and two line ends. */
const bytesOf = (value: RedisReply | readonly string[]): number => {
  if (Array.isArray(value)) return 8 + value.reduce((sum, each) => sum + bytesOf(each as RedisReply), 0);
  return 8 + String(value ?? "").length;
};

class CountedConnection {
  readonly spent = { rounds: 0, bytesIn: 0, bytesOut: 0 };

  readonly connect = async (): Promise<RedisPort> => {
    const port = await redisConnect({ url: server.url })();
    return {
      get isClosed() {
        return port.isClosed;
      },
      send: async (commands) => {
        const replies = await port.send(commands);
        this.spent.rounds += 1;
        for (const command of commands) this.spent.bytesIn += bytesOf(command);
        for (const reply of replies) this.spent.bytesOut += bytesOf(reply);
        return replies;
      },
      close: () => port.close(),
    };
  };
}

test("R7 a checkout costs the server the same after days, and removing one has constant cost", async (context) => {
  const clock = new TestClock();
  const [mine, standby] = [new CountedConnection(), new CountedConnection()];
  const prefix = server.prefix();
  const open = ({ connect }: CountedConnection) =>
    server.open({ prefix, connect, operations: longRunOperations(), now: clock.now });
  const [working, sweeping] = [await open(mine), await open(standby)];
  const spent = (): Record<string, number> => ({
    rounds: mine.spent.rounds + standby.spent.rounds,
    bytesIn: mine.spent.bytesIn + standby.spent.bytesIn,
    bytesOut: mine.spent.bytesOut + standby.spent.bytesOut,
    conflicts: working.counts.conflicts + sweeping.counts.conflicts,
  });
  const { young, steady, late } = await longRunCosts({ working, sweeping, clock, spent });
  context.diagnostic(JSON.stringify({ young, steady, late }));
  const atMost = (found: LongRunCost, limits: LongRunCost, when: string): void => {
    for (const [name, limit] of Object.entries(limits)) {
      assert.ok((found[name] ?? 0) <= limit, `${name} of a ${when} checkout: ${found[name]}, limit ${limit}`);
    }
  };
  atMost(young, { rounds: 0.33, bytesIn: 3_750, bytesOut: 50, conflicts: 0 }, "young");
  atMost(steady, { rounds: 0.5, bytesIn: 4_450, bytesOut: 550, conflicts: 0 }, "steady");
  // Order numbers get longer.
  atMost(late, { bytesIn: 1.03 * (steady["bytesIn"] ?? 0), bytesOut: 1.03 * (steady["bytesOut"] ?? 0) }, "late");
  await Promise.all([working.close(), sweeping.close()]);
});

// One message that is not answered holds up none of those that come after it.
import { type Command, decoded, decodeCommands, encodeAnswers } from "../protocol/index.ts";
import { systemClock } from "../node/index.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryTransport } from "./memory-transport.ts";

const waitMs = 60_000;

function command(txId: string): Command {
  return { txId, branchId: "a/0", verb: "prepare", protocol: "2pc", epoch: 1, begunAt: 1, payload: null, origin: "o" };
}

test(
  "a service that is slow with one command answers the next ones meanwhile (D19)",
  { timeout: 60_000 },
  async (context) => {
    const gate = Promise.withResolvers<undefined>();
    context.after(() => gate.resolve(undefined));
    const transport = new MemoryTransport({
      endpoints: {
        async stock(message) {
          const commands = decodeCommands(message).map(decoded);
          if (commands[0]?.txId === "slow") await gate.promise;
          return encodeAnswers(commands.map(({ txId }) => ({ kind: "refused", reason: txId })));
        },
      },
      clock: systemClock,
      schedule: setImmediate,
    });
    const answered: string[] = [];
    const send = async (txId: string): Promise<void> => {
      const answer = await transport.send({ service: "stock", partition: "0" }, command(txId), waitMs);
      answered.push(answer?.kind === "refused" ? answer.reason : "none");
    };
    const slow = send("slow");
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    for (let index = 0; index < 20; index += 1) await send(`quick ${index}`);
    assert.deepEqual([answered.length, answered[0], answered.includes("slow")], [20, "quick 0", false]);
    gate.resolve(undefined);
    await slow;
    assert.equal(answered.at(-1), "slow");
  },
);

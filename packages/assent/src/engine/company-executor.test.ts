import { TestClock } from "@assent/conformance";
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompanyExecutor } from "./company-executor.ts";
import type { Executor } from "./executor.ts";

const operations = {
  begin: (): string => "begun",
  end: (): string => "ended",
};
type Operations = typeof operations;

const companyWaitMs = 50;

function bench() {
  const clock = new TestClock();
  const asked: string[] = [];
  const executor = {
    run: async (name: keyof Operations) => {
      asked.push(name);
      if (asked.length > 3) throw new Error("full");
      return operations[name]();
    },
    runOnce: async (_once: unknown, name: keyof Operations) => {
      asked.push(`${name} once`);
      return { kind: "done", result: operations[name]() };
    },
  } as unknown as Executor<Operations>;
  const company = new CompanyExecutor(executor, { unwaitedFor: ["end"], companyWaitMs, clock });
  return { clock, asked, company };
}

test("what no caller waits for is asked for with the next operation that one waits for, before it", async () => {
  const { clock, asked, company } = bench();
  const ended = company.run("end", undefined as never);
  await Promise.resolve();
  assert.deepEqual(asked, []);
  assert.equal(await company.run("begin", undefined as never), "begun");
  assert.equal(await ended, "ended");
  assert.deepEqual(asked, ["end", "begin"]);
  assert.equal(clock.pending, 0);
  await company.runOnce({} as never, "begin", undefined as never);
  assert.deepEqual(asked.at(-1), "begin once");
});

test("without company it is asked for after a while, or when nothing may wait any more", async () => {
  const { clock, asked, company } = bench();
  const first = company.run("end", undefined as never);
  clock.advance(companyWaitMs - 1);
  assert.deepEqual(asked, []);
  clock.advance(1);
  assert.equal(await first, "ended");
  const second = company.run("end", undefined as never);
  company.drain();
  assert.equal(await second, "ended");
  assert.equal(await company.run("end", undefined as never), "ended");
  await assert.rejects(company.run("end", undefined as never), /full/);
});

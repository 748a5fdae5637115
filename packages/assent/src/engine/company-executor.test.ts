import { operation } from "../ports/index.ts";
import { TestClock } from "@assent/conformance";
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompanyExecutor } from "./company-executor.ts";
import { Executor } from "./executor.ts";

const operations = {
  begin: operation("begin", (): string => "begun"),
  end: operation("end", (): string => "ended"),
};
const results: Readonly<Record<string, string>> = { begin: "begun", end: "ended" };

const companyWaitMs = 50;

function bench() {
  const clock = new TestClock();
  const asked: string[] = [];
  const executor = Executor.over(async ({ name, once }) => {
    asked.push(once === undefined ? name : `${name} once`);
    if (once !== undefined) return { kind: "done", result: results[name] };
    if (asked.length > 3) throw new Error("full");
    return results[name];
  });
  const company = new CompanyExecutor(executor, { unwaitedFor: [operations.end], companyWaitMs, clock });
  return { clock, asked, company };
}

test("what no caller waits for is asked for with the next operation that one waits for, before it", async () => {
  const { clock, asked, company } = bench();
  const ended = company.run(operations.end, undefined);
  await Promise.resolve();
  assert.deepEqual(asked, []);
  assert.equal(await company.run(operations.begin, undefined), "begun");
  assert.equal(await ended, "ended");
  assert.deepEqual(asked, ["end", "begin"]);
  assert.equal(clock.pending, 0);
  await company.runOnce({} as never, operations.begin, undefined);
  assert.deepEqual(asked.at(-1), "begin once");
});

test("without company it is asked for after a while, or when nothing may wait any more", async () => {
  const { clock, asked, company } = bench();
  const first = company.run(operations.end, undefined);
  clock.advance(companyWaitMs - 1);
  assert.deepEqual(asked, []);
  clock.advance(1);
  assert.equal(await first, "ended");
  const second = company.run(operations.end, undefined);
  company.drain();
  assert.equal(await second, "ended");
  assert.equal(await company.run(operations.end, undefined), "ended");
  await assert.rejects(company.run(operations.end, undefined), /full/);
});

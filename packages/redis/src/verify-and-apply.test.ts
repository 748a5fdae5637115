import assert from "node:assert/strict";
import { after, test } from "node:test";
import { TestServer } from "../test-kit/redis-server.ts";
import {
  type Call,
  callScript,
  encodeCall,
  type Group,
  newGroup,
  readVerdict,
  type Verdict,
} from "./verify-and-apply.ts";

const server = await TestServer.start();
const port = await server.connect();
after(async () => {
  port.close();
  await server.stop();
});

async function call(groups: readonly Group[], change: Partial<Call> = {}): Promise<Verdict> {
  const whole = { assumed: "", errorMaxMs: 500, touch: false, touched: "{s}/touched", groups, ...change };
  const [reply] = await callScript(port, encodeCall(whole), undefined);
  if (reply instanceof Error) throw reply;
  return readVerdict(reply);
}

interface Expectation {
  readonly field: string;
  readonly version: string;
  readonly conflictGroup: string;
}

function expecting(group: Group, ...expectations: readonly Expectation[]): Group {
  for (const { field, version, conflictGroup } of expectations) {
    group.expected.fields.push(field);
    group.expected.versions.push(version);
    group.expected.conflictGroups.push(conflictGroup);
  }
  return group;
}

function putting(group: Group, conflictGroup: string, ...pair: readonly [string, string]): Group {
  group.puts.pairs.push(...pair);
  group.puts.conflictGroups.push(conflictGroup);
  return group;
}

function deleting(group: Group, conflictGroup: string, field: string): Group {
  group.deletes.fields.push(field);
  group.deletes.conflictGroups.push(conflictGroup);
  return group;
}

async function differing(groups: readonly Group[]): Promise<readonly (readonly [number, string | undefined])[]> {
  const verdict = await call(groups);
  assert.ok(verdict.kind === "done");
  return [...verdict.differing];
}

test("C4 each conflict group is applied separately, as a whole", async () => {
  const records = (): Group => newGroup("records", "{s}:a");
  assert.deepEqual(await differing([putting(putting(records(), "0", "x", "s1 1"), "0", "y", "s1 2")]), []);
  const found = await differing([
    // Group 1 has a stale x, group 2 a current y; group 3 is right that z is absent, and its sorted set is stale.
    deleting(
      putting(
        putting(
          putting(
            expecting(
              records(),
              { field: "x", version: "s0 ", conflictGroup: "1" },
              { field: "y", version: "s1 ", conflictGroup: "2" },
              { field: "z", version: "", conflictGroup: "3" },
            ),
            "1",
            "x",
            "s2 wrong",
          ),
          "2",
          "y",
          "s2 right",
        ),
        "3",
        "z",
        "s2 wrong",
      ),
      "1",
      "y",
    ),
    putting(expecting(newGroup("keys", "{s}:k"), { field: "k", version: "+", conflictGroup: "3" }), "2", "0", "y"),
  ]);
  assert.deepEqual(found, [
    [0, "s1 1"],
    [3, undefined],
  ]);
  const [hash, keys] = await port.send([
    ["HMGET", "{s}:a", "x", "y", "z"],
    ["ZRANGE", "{s}:k", "0", "-1"],
  ]);
  assert.deepEqual(hash, ["s1 1", "s2 right", null]);
  assert.deepEqual(keys, ["y"]);
});

test("versions are compared completely: a common beginning is not enough", async () => {
  const group = (): Group => newGroup("records", "{s}:versions");
  await call([putting(group(), "0", "x", "p.1a 1")]);
  assert.deepEqual(await differing([expecting(group(), { field: "x", version: "p.1 ", conflictGroup: "0" })]), [
    [0, "p.1a 1"],
  ]);
  assert.deepEqual(await differing([expecting(group(), { field: "x", version: "p.1a ", conflictGroup: "0" })]), []);
});

test("more records than fit into one command are verified and applied in parts", async () => {
  const count = 9_001;
  const group = newGroup("records", "{s}:many");
  for (let index = 0; index < count; index += 1) {
    expecting(group, { field: `f${index}`, version: "", conflictGroup: String(index % 2) });
    putting(group, String(index % 2), `f${index}`, `s ${index}`);
  }
  await call([putting(newGroup("records", "{s}:many"), "0", "f9000", "other 0")]);
  assert.deepEqual(await differing([group]), [[9_000, "other 0"]]);
  const [length, odd] = await port.send([
    ["HLEN", "{s}:many"],
    ["HGET", "{s}:many", "f8999"],
  ]);
  assert.equal(length, 4_501, "the odd ones, and the existing one");
  assert.equal(odd, "s 8999");
});

test("P7 a time that is off by more than the bound is refused, and nothing is changed", async () => {
  const verdict = await call([]);
  const group = (): Group => putting(newGroup("records", "{s}:late"), "0", "x", "s 1");
  for (const offMs of [-10_000, 10_000]) {
    const late = await call([group()], { assumed: String(verdict.serverMs + offMs) });
    assert.equal(late.kind, "late");
    assert.ok(Math.abs(late.serverMs - verdict.serverMs) < 5_000);
  }
  assert.deepEqual(await port.send([["EXISTS", "{s}:late"]]), [0]);
  assert.equal((await call([group()], { assumed: String(verdict.serverMs) })).kind, "done");
  assert.deepEqual(await port.send([["EXISTS", "{s}:late"]]), [1]);
});

test("C3 a round that writes nothing writes the touched key if requested", async () => {
  await call([putting(newGroup("records", "{s}:a"), "0", "x", "s 1")], { touch: true });
  await call([], {});
  assert.deepEqual(await port.send([["EXISTS", "{s}/touched"]]), [0]);
  await call([], { touch: true });
  assert.deepEqual(await port.send([["EXISTS", "{s}/touched"]]), [1]);
});

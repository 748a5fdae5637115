// Every sentence in a source about what was changed, or that nothing was, is listed here with the test that
// compares the state before and after. A sentence without such a test is listed with the reason.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { claimsOf, claimsOfChange } from "./claims-of-change.ts";
import { root } from "./source-tree.ts";

interface Proof {
  readonly file: string;
  /** Part of the test's name. */
  readonly test: string;
}

const proof = (file: string, name: string): Proof => ({ file, test: name });
const unproved = (why: string): string => why;

const origin = "proof/system/http-origin.test.ts";
const asHost = proof(origin, "under a foreign host name nothing is answered");
const asSite = proof(origin, "requests of a page of another site are refused");
const badRule = proof("proof/system/fault-api.test.ts", "an invalid rule is 400 and changes nothing");
const bodyRefused = proof("proof/system/http-connections.test.ts", "nothing is executed after a body refused");
const bodyBroken = proof("proof/system/http-connections.test.ts", "a body that contradicts its head is 400");
const notTogether = proof("proof/system/books.test.ts", "is refused with a remedy, and changes no record");
const fullEngine = proof(
  "packages/assent/src/engine/executor.test.ts",
  "C3 a full engine refuses all that a batch writes",
);
const failedStep = proof("packages/assent/src/engine/executor.test.ts", "C4 one failing step does not spoil");
const foreignType = proof("checkout/faults/src/fault-app.test.ts", "as application/json only");
const seeding = "checkout/contract/src/seeding.test.ts";
const seedingFull = proof(seeding, "seedings take turns, and too many are refused before anything");
const seedingStopped = proof(seeding, "a stop in the middle ends after the step");
const upRefused = proof("proof/system/up.test.ts", "is refused before anything is started");
const redisLimits = "packages/redis/src/redis-executor.limits.test.ts";
const onlyRead = unproved("the command opens nothing before it: no test looks for traces");
const onlyWords = unproved("the text is tested, the state before and after is not compared");

/** In the order of the source. */
const listed: Readonly<Record<string, readonly (readonly [claim: string, proof: Proof | string])[]>> = {
  "checkout/cli/src/cannot-start.ts": [
    ["Nothing was started", onlyWords],
    ["Nothing was started", notTogether],
    ["no record was changed", notTogether],
  ],
  "checkout/cli/src/embedded/data-folder.ts": [
    ["Nothing was started", proof("proof/system/embedded-process.test.ts", "a second start on the same folder")],
    ["Nothing was read", onlyRead],
  ],
  "checkout/cli/src/embedded/folder-reader.ts": [
    ["nothing was created", proof("proof/system/start-and-stop.test.ts", "do not change a folder of something else")],
    ["No record was changed", onlyWords],
  ],
  "checkout/cli/src/history.ts": [["Nothing was read", onlyRead]],
  "checkout/cli/src/http/request-policy.ts": [
    ["Nothing was changed", asHost],
    ["Nothing was changed", asHost],
    ["Nothing was changed", asHost],
    ["Nothing was changed", proof("proof/system/local-topology.test.ts", "an instance refuses requests for another")],
    ["Nothing was changed", asSite],
  ],
  "checkout/cli/src/http/service-server.ts": [["Nothing was changed", bodyBroken]],
  "checkout/cli/src/processes/books-reader.ts": [
    ["Nothing was changed", unproved("it reads with HSCAN and ZRANGE alone, and lets writes wait")],
  ],
  "checkout/cli/src/processes/database-reader.ts": [
    ["Nothing was changed", proof("proof/system/history-of-running.test.ts", "the database is asked for records only")],
  ],
  "checkout/cli/src/processes/database.ts": [["Nothing was started", onlyWords]],
  "checkout/cli/src/processes/order-process.ts": [
    ["Nothing was added", proof("proof/system/failing-parts.test.ts", "an unavailable price is not reported")],
  ],
  "checkout/cli/src/running-topology.ts": [["nothing was read", onlyRead]],
  "checkout/cli/src/settings.ts": [["nothing was started", onlyWords]],
  "checkout/cli/src/up.ts": [
    ["Nothing was started", upRefused],
    ["Nothing was started", onlyWords],
    ["Nothing was started", proof("proof/system/up.test.ts", "a topology starts, prints its processes")],
    ["Nothing was started", upRefused],
  ],
  "packages/assent/src/api/coordinator.ts": [
    ["nothing was begun", proof("packages/assent/src/api/coordinator.test.ts", "is reused: nothing is done")],
    ["nothing was begun", proof("packages/assent/src/api/coordinator.test.ts", "says that nothing was begun")],
  ],
  "packages/assent/src/engine/keyed-engine.ts": [["nothing was changed", fullEngine]],
  "packages/assent/src/engine/step.ts": [
    [
      "nothing was changed",
      proof("packages/sqlite/src/store-client.test.ts", "C3 closing waits for what was asked for before"),
    ],
    ["nothing was changed", failedStep],
  ],
  "packages/postgres/src/database.ts": [
    ["nothing was changed", unproved("there was no connection to send it on")],
    ["nothing was changed", proof("packages/postgres/src/database.test.ts", "fails before its commit changes nothing")],
  ],
  "packages/redis/src/redis-executor.ts": [
    ["nothing was changed", unproved("no operation needs that many readings")],
    ["nothing was changed", unproved("a reading that fails for good: nothing has been sent that writes")],
    ["nothing was changed", proof(redisLimits, "C4 a server that refuses to write has changed nothing")],
    [
      "nothing was changed",
      proof("packages/redis/src/redis-executor.crash.test.ts", "an unreachable server is reported as unreached"),
    ],
    ["nothing was changed", unproved("that others are always faster cannot be forced with a real server")],
  ],
  "packages/redis/src/redis-port.ts": [["nothing was sent", unproved("there was no connection to send it on")]],
  "packages/sqlite/src/journal.ts": [
    [
      "Nothing was changed",
      proof("packages/sqlite/src/sqlite-engine.files.test.ts", "a broken journal is refused, and the file is left"),
    ],
  ],
  "packages/sqlite/src/sqlite-engine.ts": [
    [
      "Nothing was changed",
      proof("packages/sqlite/src/sqlite-engine.files.test.ts", "a file of another format is refused"),
    ],
  ],
  "packages/sqlite/src/store-copy.ts": [
    ["Nothing was copied", unproved("a store that gives up does so before it copies; its folder is not looked at")],
  ],
  "proof/chaos/src/chaos-command.ts": [["Nothing was started", onlyWords]],
  "checkout/contract/src/answers.ts": [
    ["Nothing was changed", unproved("a description of all 400s of the contract, which are proved one by one")],
    ["Nothing was changed", asSite],
    ["nothing was started", unproved("a description; the text of each 429 is listed where it is made")],
  ],
  "checkout/contract/src/body-limit.ts": [["Nothing was changed", bodyRefused]],
  "checkout/contract/src/fault-routes.ts": [["Nothing was changed", foreignType]],
  "checkout/contract/src/request-path.ts": [["Nothing was changed", bodyRefused]],
  "checkout/contract/src/seeding.ts": [
    ["was not started", seedingFull],
    ["nothing was changed", seedingFull],
    ["} was seeded", seedingStopped],
    ["} were seeded", seedingStopped],
  ],
  "checkout/contract/src/service-app.ts": [
    ["nothing was changed", unproved("it passes on what the store says, whose texts are listed where they are made")],
  ],
  "checkout/faults/src/fault-app.ts": [
    ["Nothing was changed", badRule],
    ["Nothing was changed", foreignType],
    ["Nothing was changed", badRule],
  ],
  "checkout/faults/src/fault-rule.ts": [["Nothing was changed", badRule]],
  "checkout/topology/src/command-options.ts": [["Nothing was started", onlyWords]],
  "proof/door/src/explore-command.ts": [["Nothing was started", onlyWords]],
  "proof/door/src/main.ts": [["Nothing was started", onlyWords]],
  "proof/door/src/mutants-command.ts": [["Nothing was started", onlyWords]],
  "checkout/order/src/order-service.ts": [
    ["Nothing was done", unproved("the log of orders has one definition, so no key belongs to another")],
    ["Nothing was started", proof("proof/system/failing-parts.test.ts", "a checkout whose store is full for a while")],
    ["was not started", unproved("the limit is proved in the orchestrator, not in the books of a shop")],
    ["Nothing was started", unproved("the breaker is proved in the orchestrator, not in the books of a shop")],
    [
      "Nothing was charged",
      proof("checkout/order/src/order-app.test.ts", "is not charged, and is reported as replaced"),
    ],
  ],
};

test("every text about what was changed is listed with its proof", () => {
  const found = Object.fromEntries(claimsOfChange());
  const texts = Object.entries(listed).map(([path, claims]) => [path, claims.map(([text]) => text)]);
  assert.deepEqual(found, Object.fromEntries(texts), "list new texts above, each with the test that proves it");
});

test("every proof is an existing test", () => {
  for (const [, shown] of Object.values(listed).flat()) {
    if (typeof shown === "string") continue;
    assert.ok(readFileSync(join(root, shown.file), "utf8").includes(shown.test), `${shown.file}: ${shown.test}`);
  }
});

test("a claim is found wherever a text makes it", () => {
  const source = 'x("Nothing was changed; ask"), y(`None of ${n} ${things} was seeded`), "This one was not started"';
  assert.deepEqual(claimsOf(source), ["Nothing was changed", "} was seeded", "was not started"]);
  assert.deepEqual(claimsOf('"what was changed is not known"'), []);
});

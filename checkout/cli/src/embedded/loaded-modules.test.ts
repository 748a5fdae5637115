// What the embedded system loads: each module costs memory in each thread that loads it, as long as the system runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** Packages that a process loads with a module of this folder's parent; loading, they run nothing. */
function packagesLoadedBy(module: string): ReadonlySet<string> {
  const script = `
    const { registerHooks } = require("node:module");
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    import(process.argv[1]).then(() => console.log(urls.join("\\n")));
  `;
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, ["--eval", script, path], { encoding: "utf8" });
  assert.ok(stdout.includes(module), stderr);
  const names = stdout.split("\n").map((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? "");
  return new Set(names.filter((name) => name !== "" && !/^(@assent\/|assent$)/.test(name)));
}

for (const thread of ["embedded/order-thread.ts", "embedded/participant-thread.ts"]) {
  test(`${thread} loads no package of others`, () => {
    assert.deepEqual([...packagesLoadedBy(thread)], []);
  });
}

test("the command loads no client of a server before a command needs one, nor does the embedded system", () => {
  for (const module of ["main.ts", "serve.ts"]) {
    const packages = [...packagesLoadedBy(module)];
    assert.ok(packages.includes("zod"), "it sees what is loaded");
    assert.deepEqual(
      packages.filter((name) => /redis|nats/.test(name)),
      [],
      module,
    );
  }
});

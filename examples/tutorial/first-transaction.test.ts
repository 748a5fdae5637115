// The tutorial, followed to the letter: its files are written, its commands are run, and its outputs are compared.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const page = readFileSync(pathOf("docs/tutorial/first-transaction.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "assent-tutorial-"));
after(() => rmSync(folder, { recursive: true }));

for (const [, name = "", text = ""] of page.matchAll(/^```ts file=(\S+)\n([^]*?)^```$/gm)) {
  writeFileSync(join(folder, name), text);
}
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
symlinkSync(pathOf("node_modules"), join(folder, "node_modules"));

/** Runs a block of the page in a shell. */
function run(commands: string): string {
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) };
  return execFileSync("sh", ["-ec", commands], {
    cwd: folder,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

test("each command of the tutorial prints what the page says, also after the kill", () => {
  const blocks = [...page.matchAll(/^```sh run\n([^]*?)^```$(?:\n\n```text\n([^]*?)^```$)?/gm)];
  assert.ok(blocks.length >= 5, "the page has commands");
  for (const [, commands = "", expected = ""] of blocks) {
    assert.equal(run(commands), expected, commands);
    // A repetition of a key that has committed books nothing.
    if (commands.includes("smith")) assert.equal(run(commands), expected);
  }
});

import { temporaryFolder } from "@assent/topology";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeBackup, mustBeOutside } from "./backup-folder.ts";

const folder = temporaryFolder();
after(() => folder.remove());
const place = (name: string): string => join(folder.path, name);

test("a backup inside the data is refused, however its path is written", () => {
  mkdirSync(place("data/below"), { recursive: true });
  symlinkSync(place("data"), place("other-name"));
  for (const inside of ["data", "data/new", "data/below/new", "data/..new", "other-name/new", "data/../data/new"]) {
    assert.throws(() => mustBeOutside(place(inside), place("data")), {
      code: "backup_failed",
      message: /it is inside the data folder .*data; choose a folder outside it\. The data was not changed\.$/,
    });
  }
  for (const outside of ["new", "data.before", "new/data/new", "data/../new"]) {
    assert.doesNotThrow(() => mustBeOutside(place(outside), place("data")), outside);
  }
});

test("of two concurrent backups to one folder, one is complete and the other fails and leaves nothing", async () => {
  mkdirSync(place("backups"));
  const make = (text: string) =>
    makeBackup(place("backups/monday"), (partial) => {
      writeFileSync(join(partial, "a"), text);
      writeFileSync(join(partial, "b"), text);
      return Promise.resolve();
    });
  const settled = await Promise.allSettled([make("one"), make("two")]);
  const failed = settled.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
  assert.equal(failed.length, 1);
  assert.match(failed[0] ?? "", /No backup was made in .*monday: .*(not empty|ENOTEMPTY)/);
  assert.deepEqual(readdirSync(place("backups")), ["monday"]);
  const texts = ["a", "b"].map((name) => readFileSync(join(place("backups/monday"), name), "utf8"));
  assert.equal(texts[0], texts[1]);
});

test("a backup that fails half-way leaves no folder", async () => {
  const fill = (partial: string): Promise<void> => {
    writeFileSync(join(partial, "a"), "half");
    return Promise.reject(new Error("no space"));
  };
  await assert.rejects(makeBackup(place("half"), fill), {
    code: "backup_failed",
    message: /No backup was made in .*half: no space\. The data was not changed\.$/,
  });
  assert.ok(readdirSync(folder.path).every((name) => !name.startsWith("half")));
});

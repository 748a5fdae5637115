import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { makeReadOnly } from "./read-only-folder.ts";

test("a read-only folder can be read but not written, and can be written again afterwards", (context) => {
  const folder = new TemporaryFolder();
  context.after(() => folder.remove());
  const file = join(folder.path, "below", "file");
  mkdirSync(join(folder.path, "below"));
  writeFileSync(file, "before");
  let makeWritable: () => void;
  try {
    makeWritable = makeReadOnly(folder.path);
  } catch (error) {
    // Root without the right to mount gets an error, and the folder is unchanged.
    assert.match(String(error), /mount/);
    appendFileSync(file, ", after");
    return;
  }
  assert.equal(readFileSync(file, "utf8"), "before");
  assert.throws(() => appendFileSync(file, "more"), { code: /EROFS|EACCES/ });
  assert.throws(() => writeFileSync(join(folder.path, "below", "other"), ""), { code: /EROFS|EACCES/ });
  makeWritable();
  appendFileSync(file, ", after");
  assert.equal(readFileSync(file, "utf8"), "before, after");
});

// What a package makes public is found however it is declared and exported, and so is what that shows.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readDeclarations } from "./declaration-file.ts";
import { publicTypes } from "./public-types.ts";
import { undocumentedIn } from "./public-types-record.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-public-types-"));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A package with these files, all declarations, and a public module for each name in `doors`. */
function packageOf(files: Readonly<Record<string, string>>, doors: readonly string[]) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.d.ts`), text);
  const exports = Object.fromEntries(doors.map((door) => [`./${door}`, { types: `./${door}.d.ts`, default: "" }]));
  return publicTypes({ name: "a", version: "1.0.0", exports }, folder);
}

test("declarations are read without comments, each to its end", () => {
  const { declarations, exports } = readDeclarations(`
    /** A comment with a brace } and "a quote. */
    export interface Box { readonly text: "}"; readonly of: { inner: number }; } // and another {
    export type Shape = { kind: \`\${string};\` } | {
        kind: "b";
    };
    export declare function put(box: Box): void;
    export declare function put(box: Box, twice: true): void;
    declare const held: unique symbol;
    export {};`);
  assert.deepEqual([...declarations.keys()], ["Box", "Shape", "put", "held"]);
  assert.equal(declarations.get("put")?.length, 2);
  assert.match(declarations.get("Shape")?.[0] ?? "", /^type Shape = [^]*"b";\s*\};$/);
  assert.deepEqual([...exports.keys()], ["Box", "Shape", "put"]);
});

test("a statement of an unknown form is not passed over", () => {
  assert.throws(() => readDeclarations("export default class A {}"), /unknown form: export default/);
});

test("names are public through lists and stars, and what they show is found in other files", () => {
  const { modules, declared, hidden } = packageOf(
    {
      door: 'export * from "./one.js";\nexport { type Two as Second } from "./two.js";\n',
      one: 'import type { Shown } from "./shown.js";\nexport interface One { readonly shown: Shown; }\n',
      two: 'export type Two = import("./shown.js").Inline | Local;\ntype Local = string;\nexport type Unseen = 1;\n',
      shown: ["export type Shown = Deep;", "export interface Deep { readonly a: 1; }", "export type Inline = 2;"].join(
        "\n",
      ),
    },
    ["door"],
  );
  assert.deepEqual(modules, [{ specifier: "a/door", names: ["One", "Second"] }]);
  assert.deepEqual([...declared.keys()].sort(), ["Deep", "Inline", "Local", "One", "Shown", "Two"]);
  assert.deepEqual(hidden, ["Deep", "Inline", "Local", "Shown"]);
});

test("an internal module is not public", () => {
  const exports = { "./internal/x": { types: "./x.d.ts", default: "" } };
  assert.deepEqual(publicTypes({ name: "a", version: "1.0.0", exports }, folder).modules, []);
});

test("a module that is named and not in the package is found", () => {
  assert.throws(() => packageOf({ broken: 'export * from "./gone.js";\n' }, ["broken"]), /gone\.js, which is not/);
});

test("names that were undocumented are read back from a record", () => {
  const record = "What a makes public.\n\na (2):\n  A\n  B\n\nNot documented yet:\n  A\n  B\n\nTypes:\n\ntype C = 1;\n";
  assert.deepEqual(undocumentedIn(record), ["A", "B"]);
  assert.deepEqual(undocumentedIn(record.replace("  A\n  B\n\nTypes", "\nTypes")), []);
});

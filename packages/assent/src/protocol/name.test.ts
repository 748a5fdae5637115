// A valid name is the same name in every store and on every bus.
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOfName, isName } from "./name.ts";

test("a name is a well-formed text of 1 to 256 characters, of any script", () => {
  for (const name of ["a", "stock/0", "ключ", "😀", "\u{10ffff}", "\uffff", "a".repeat(256), "😀".repeat(128)]) {
    assert.equal(faultOfName(name), undefined, name);
  }
});

test("half of a surrogate pair is no name, wherever it is", () => {
  const cut = "order-😀".slice(0, 7);
  for (const name of [cut, "\ud800", "k\udbff", "\udc00k", "a\udfffb", "\udc00\ud800", `${cut}😀`]) {
    assert.match(faultOfName(name) ?? "", /not well-formed/, JSON.stringify(name));
  }
});

test("what is empty, too long or no text is no name, and it is said which", () => {
  assert.match(faultOfName("") ?? "", /empty/);
  assert.match(faultOfName("a".repeat(257)) ?? "", /257 characters, limit 256/);
  assert.match(faultOfName("abc", 2) ?? "", /3 characters, limit 2/);
  for (const name of [undefined, null, 1, {}, ["a"], Symbol("a")]) assert.equal(isName(name), false);
});

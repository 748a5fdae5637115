// The order of keys is that of their UTF-8 bytes, in every engine and in every layer above one. SQLite and Redis order
// keys that way. JavaScript compares UTF-16 code units, which puts the characters beyond U+FFFF
// (two surrogates each, from U+D800) before those from U+E000: a scan merged by that order has gaps and repeats.

const firstSurrogate = 0xd800;
const firstAfterSurrogates = 0xe000;

/** Negative when `a` comes before `b`, positive when it comes after, zero when they are the same. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** The rank of a code unit when surrogates come last. */
function rank(unit: number): number {
  if (unit < firstSurrogate) return unit;
  return unit < firstAfterSurrogates ? unit + 0x2000 : unit - 0x800;
}

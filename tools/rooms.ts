// The rooms of the repository: packages, and the layers of the library.

/** Rooms by rank: imports go only to lower ranks (ARCHITECTURE.md). */
export const ranks: Readonly<Record<string, number>> = {
  "packages/assent/src/protocol": 0,
  "packages/assent/src/ports": 1,
  "packages/assent/src/participant": 2,
  "packages/assent/src/coordinator": 2,
  "packages/assent/src/node": 2,
  "packages/assent/src/engine": 3,
  "packages/assent/src/ledger": 3,
  "packages/assent/src/api": 4,
  "packages/assent/src/http": 4,
  "packages/assent/src/memory": 4,
  "packages/assent": 5,
  "packages/assent/src/testing": 5,
  "packages/conformance": 6,
  "packages/nats": 6,
  "packages/postgres": 6,
  "packages/redis": 6,
  "packages/sqlite": 6,
  "checkout/local-servers": 6,
  "proof/simulator": 7,
  "checkout/contract": 7,
  "checkout/faults": 8,
  "checkout/order": 8,
  "checkout/stock": 8,
  "checkout/payment": 8,
  "checkout/books": 9,
  "checkout/topology": 9,
  "proof/bench": 10,
  "proof/chaos": 10,
  "proof/installation": 10,
  "proof/peers": 10,
  "proof/scenarios": 10,
  "checkout/cli": 10,
  "proof/door": 11,
};

/** The highest rank that tests, their kits and examples may import: they combine a package with others. */
export const assembledRankMax = 7;

/** The room of a file, from its path. */
export function roomOf(path: string): string {
  return /^packages\/assent\/src\/[^/]+(?=\/)/.exec(path)?.[0] ?? path.split("/").slice(0, 2).join("/");
}

/** The room of an import; undefined for a third-party package. */
export function roomOfPackage(specifier: string): string | undefined {
  const layer = /^assent(?:\/(?:internal\/)?(.+))?$/.exec(specifier);
  if (layer !== null) return layer[1] === undefined ? "packages/assent" : `packages/assent/src/${layer[1]}`;
  const name = /^@assent\/([^/]+)/.exec(specifier)?.[1];
  if (name === undefined) return undefined;
  return (
    ["packages", "checkout", "proof"].map((folder) => `${folder}/${name}`).find((room) => room in ranks) ?? specifier
  );
}

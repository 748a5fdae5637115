// Which mutants break each rule of the protocol, and what catches them: docs/reference/rules-and-mutants.md.
import { readFileSync } from "node:fs";
import type { PlantedBug } from "./plant.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { testedBugs } from "./tested-bugs.ts";

const root = new URL("../../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

/** Its mutants change the machines themselves, and not their text. */
const explored = "proof/simulator/src/explorer/planted-bugs.test.ts";

/** Rule ids in the order of the protocol document. */
export function protocolRules(): readonly string[] {
  return [...read("docs/explanation/protocol.md").matchAll(/^- \*\*([CPRMS]\d+)\*\* /gm)].map(([, id = ""]) => id);
}

/** What a mutant may name besides a rule: the order of steps, the audit trail, a fault of the immunity page. */
export const otherRules: readonly string[] = ["order", "trail", "D11"];

interface Mutant {
  readonly rule: string;
  readonly text: string;
  readonly caughtBy: string;
}

/** By mutant, how many seeds it took when it was run last: the figures of `assent sim --planted ID`. */
const seedsTaken = JSON.parse(read("proof/scenarios/src/planted/seeds-taken.json")) as Partial<
  Readonly<Record<string, number>>
>;

function simulated({ id, world }: PlantedBug): string {
  const seeds = seedsTaken[id];
  if (seeds === undefined)
    throw new Error(`run npm run proof -- mutants --only ${id}, and enter the figure in seeds-taken.json`);
  return `simulator${world === undefined ? "" : `, ${world}`}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
}

const textOf = ({ id, what }: PlantedBug): string => `\`${id}\`: ${what}`;

export function mutants(): readonly Mutant[] {
  const inExplorer = [...read(explored).matchAll(/ {2}plant\("(\w+)", "([^"]+)"/g)];
  return [
    ...plantedBugs.map((bug) => ({ rule: bug.rule, text: textOf(bug), caughtBy: simulated(bug) })),
    ...inExplorer.map(([, rule = "", name = ""]) => ({ rule, text: name, caughtBy: "explorer" })),
    ...testedBugs.map((bug) => ({
      rule: bug.rule,
      text: textOf(bug),
      caughtBy: `[${bug.test.file.split("/").at(-1)}](../../${bug.test.file}): \`${bug.test.name}\``,
    })),
  ];
}

export function rulesPage(): string {
  const all = mutants();
  const rows = [...protocolRules(), ...otherRules].flatMap((rule) =>
    all.filter((mutant) => mutant.rule === rule).map(({ text, caughtBy }) => `| ${rule} | ${text} | ${caughtBy} |`),
  );
  return [
    "# Rules and mutants",
    "",
    "For each rule of [the protocol](../explanation/protocol.md): the mutants that break it, and what catches them.",
    "Written by `npm run rules` and held to the code by a test: every rule has a mutant, every mutant names a",
    "rule, and each is applied to the sources as they are.",
    "",
    "- `simulator`: caught by the checkers of `npm run proof -- mutants --only ID` after so many seeds, from 1;",
    "  `lifetimes`: only those worlds are run. [The record](simulator-record.md) has the figures of earlier runs.",
    "- `explorer`: changes a machine in a small world; the explorer finds the shortest trace to it.",
    "- a test: the mutant is applied while the test file runs, and that test fails. The test suite does this",
    "  each time.",
    "",
    "Beside these, each suite of `packages/conformance` has broken adapters of its own (`test-kit`), and each of its",
    "cases catches one. `order` is the order of steps, `trail` the audit trail; D numbers are of",
    "[the immunity page](immunity.md).",
    "",
    "| rule | mutant | caught by |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

// Mutants of the adapter for PostgreSQL: each is caught on a real server.
import type { TestedMutant } from "./tested-mutants.ts";

const branches = "packages/postgres/src/postgres-branches.test.ts";
const database = "packages/postgres/src/database.test.ts";
const door = "packages/postgres/src/postgres.test.ts";

export const postgresMutants: readonly TestedMutant[] = [
  {
    id: "postgres-record-not-written",
    rule: "P4",
    what: "in PostgreSQL the effect of a branch is committed without its record, so a copy takes again",
    test: {
      file: branches,
      name: "P4 copies of a command in several processes take once, and their handler runs once",
    },
    edits: [
      {
        file: "packages/postgres/src/postgres-branches.ts",
        guard: "const written = await transaction.query(statements.write, parameters);",
        instead: "const written = [parameters];",
      },
    ],
  },
  {
    id: "postgres-branch-not-locked",
    rule: "P4",
    what: "in PostgreSQL copies of a decision run side by side",
    test: { file: branches, name: "P4 copies of a decision in several processes settle once" },
    edits: [
      {
        file: "packages/postgres/src/branch-statements.ts",
        guard: "branch_id = $3 FOR UPDATE)",
        instead: "branch_id = $3)",
      },
    ],
  },
  {
    id: "postgres-refusal-keeps-effects",
    rule: "P3",
    what: "in PostgreSQL what a handler wrote before it refused is kept",
    test: { file: branches, name: "P3 what a handler wrote before it refused is undone, and its refusal stays" },
    edits: [
      {
        file: "packages/postgres/src/postgres-branches.ts",
        guard: "await transaction.restart();",
        instead: "",
      },
    ],
  },
  {
    id: "postgres-record-not-locked",
    rule: "C2",
    what: "in PostgreSQL two decisions are written on what both have read",
    test: { file: door, name: "C2 a decision waits for the one before it, and is decided on what that one wrote" },
    edits: [
      {
        file: "packages/postgres/src/log-statements.ts",
        guard: "coordinator = $1 AND tx_id = $2 FOR UPDATE)`",
        instead: "coordinator = $1 AND tx_id = $2)`",
      },
      { file: "packages/postgres/src/log-statements.ts", guard: " FOR UPDATE OF r)", instead: ")" },
    ],
  },
  {
    id: "postgres-lost-commit-refused",
    rule: "C2",
    what: "in PostgreSQL a commit whose answer was lost is reported as not done",
    test: { file: database, name: "C2 a commit whose answer is lost is unknown, never refused" },
    edits: [
      {
        file: "packages/postgres/src/database.ts",
        guard: 'new StoreFailure("store_broken", message, { cause })',
        instead: 'new StoreFailure("step_failed", message, { cause })',
      },
    ],
  },
  {
    id: "postgres-rollback-taken-for-commit",
    rule: "C3",
    what: "in PostgreSQL a transaction that the server rolled back is reported as committed",
    test: {
      file: database,
      name: "C2 a statement whose error was caught takes the transaction with it: no commit is reported",
    },
    edits: [
      {
        file: "packages/postgres/src/pg-driver.ts",
        guard: '=== "COMMIT" ? "COMMIT" : "ROLLBACK"',
        instead: '=== "" ? "ROLLBACK" : "COMMIT"',
      },
    ],
  },
];

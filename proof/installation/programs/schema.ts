// A user's migration over @assent/postgres: the statements come from a file of the package.
import { schemaSql } from "@assent/postgres";

console.log(schemaSql().includes("CREATE TABLE"));

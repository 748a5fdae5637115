// `npm run rules`: writes docs/reference/rules-and-mutants.md, which is committed and checked for drift.
import { writeFileSync } from "node:fs";
import { rulesPage } from "./rules.ts";

writeFileSync(new URL("../../../../docs/reference/rules-and-mutants.md", import.meta.url), rulesPage());

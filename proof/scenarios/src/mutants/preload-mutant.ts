// Applies the mutant named by ASSENT_MUTANT. Usage: `node --import` this file, followed by a test file.
import { applyMutant } from "./apply-mutant.ts";
import { testedMutants } from "./tested-mutants.ts";

const id = process.env["ASSENT_MUTANT"];
const mutant = testedMutants.find((each) => each.id === id);
if (mutant === undefined) throw new Error(`ASSENT_MUTANT: unknown mutant ${id}`);
const checkLoaded = applyMutant(mutant);
process.once("exit", checkLoaded);

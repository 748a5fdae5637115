// Applies the mutant that ASSENT_MUTANT names: `node --import` this, and then a test file.
import { plant } from "./plant.ts";
import { testedBugs } from "./tested-bugs.ts";

const id = process.env["ASSENT_MUTANT"];
const bug = testedBugs.find((each) => each.id === id);
if (bug === undefined) throw new Error(`ASSENT_MUTANT: there is no mutant ${id}`);
const checkPlanted = plant(bug);
process.once("exit", checkPlanted);

// `npm run proof -- kills`: kills every process of the local topology under load, one after another, and then checks
// everything. Exit code 1 on any finding; the data is kept in that case.
import {
  commandOptions,
  countOption,
  deliveryOption,
  flagOption,
  protocolOption,
  temporaryFolder,
  textOption,
} from "@assent/topology";
import { killOf } from "./faults/kills.ts";
import { SystemUnderTest } from "./system-under-test.ts";
import { reportedRun } from "./reported-run.ts";

const values = commandOptions({
  command: "npm run proof -- kills",
  about: "Kills every process of the local topology under load, then checks all answers and the stored data.",
  options: {
    rounds: countOption(1, "how many times each process is killed"),
    protocol: protocolOption,
    delivery: deliveryOption,
    connections: countOption(32, "concurrent customers"),
    report: textOption("file", "also write the report to this file"),
    history: textOption("file", "write every attempt to this file, one JSON line each"),
    json: flagOption("print the report as JSON"),
  },
});

const folder = temporaryFolder();
const { protocol, delivery } = values;
const system = await SystemUnderTest.openLocal({ folder: folder.path, protocol, delivery });
const kills = Array.from({ length: values.rounds }, () => [...system.topology.processes.keys()].map(killOf)).flat();
await reportedRun({ ...values, command: "npm run proof -- kills", folder, system, faults: kills });

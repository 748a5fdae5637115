// `npm run proof -- kills`: every process of the local topology killed under load, one after the other, and then the
// judge. Exit code 1 on any finding; the data is kept then.
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
import { Stage } from "./stage.ts";
import { toldRun } from "./told-run.ts";

const values = commandOptions({
  command: "npm run proof -- kills",
  about: "Kills every process of the local topology under load, and then the judge.",
  options: {
    rounds: countOption(1, "how often each process is killed"),
    protocol: protocolOption,
    delivery: deliveryOption,
    connections: countOption(32, "customers at once"),
    report: textOption("file", "where the report is written, too"),
    history: textOption("file", "where every attempt is written, a line of JSON each"),
    json: flagOption("print the report as JSON"),
  },
});

const folder = temporaryFolder();
const { protocol, delivery } = values;
const stage = await Stage.openLocal({ folder: folder.path, protocol, delivery });
const kills = Array.from({ length: values.rounds }, () => [...stage.topology.processes.keys()].map(killOf)).flat();
await toldRun({ ...values, command: "npm run proof -- kills", folder, stage, faults: kills });

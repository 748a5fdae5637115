// `npm run proof -- faults`: every injection point with every action, in both protocols. Exit code 1 on any finding.
import { choiceOption, commandOptions, flagOption, temporaryFolder } from "@assent/topology";
import { type FaultCaseResult, faultMatrix } from "./fault-matrix.ts";
import { openEmbedded, openLocal, openSentinel } from "./faulty-systems.ts";

const values = commandOptions({
  command: "npm run proof -- faults",
  about: "Injects every fault at every point, in both protocols, and audits the books.",
  options: {
    topology: choiceOption(["embedded", "local", "sentinel"], "local", "where"),
    quiet: flagOption("only print the totals"),
  },
});
const systems = { embedded: openEmbedded, local: openLocal, sentinel: openSentinel };
const open = systems[values.topology];

for (const protocol of ["2pc", "saga"] as const) {
  const folder = temporaryFolder();
  const startedAt = performance.now();
  const system = await open(folder.path, protocol);
  const onCase = (result: FaultCaseResult): void => (values.quiet ? undefined : print(protocol, result));
  const { cases, paid, failed, findings } = await faultMatrix({ ...system, protocol, onCase });
  await system.close();
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  const fired = cases.filter((each) => each.fired).length;
  process.stdout.write(
    `${values.topology} ${protocol}: cases ${cases.length}, fired ${fired}, orders paid ${paid}, refused ${failed}, ` +
      `findings ${findings.length}, ${seconds} s\n`,
  );
  if (findings.length === 0) folder.remove();
  else {
    process.stderr.write(`${findings.join("\n")}\nthe data is kept in ${folder.path}\n`);
    process.exitCode = 1;
  }
}

function print(protocol: string, { service, point, action, fired }: FaultCaseResult): void {
  process.stdout.write(`  ${protocol} ${service} ${point} ${action}: ${fired ? "fired" : "DID NOT FIRE"}\n`);
}

// `npm run proof -- crash`: ten rounds of kill -9 under thousands of concurrent checkouts.
import { commandOptions, countOption, flagOption, temporaryFolder } from "@assent/topology";
import { type CrashRound, crashProof } from "./crash-proof.ts";

const values = commandOptions({
  command: "npm run proof -- crash",
  about: "Kills the embedded system under concurrent checkouts, restarts it, and audits the books.",
  options: {
    rounds: countOption(10, "kills"),
    orders: countOption(8_000, "orders of each round"),
    connections: countOption(400, "connections that check out"),
    json: flagOption("print the rounds as JSON"),
  },
});

const folder = temporaryFolder();
const rounds = await crashProof({
  dataFolder: folder.path,
  rounds: values.rounds,
  ordersPerRound: values.orders,
  connections: values.connections,
  random: Math.random,
  onRound: (round) => (values.json ? undefined : print(round)),
});
const findings = rounds.flatMap((round) => round.findings);
if (values.json) process.stdout.write(`${JSON.stringify(rounds, null, 2)}\n`);
else process.stdout.write(`${rounds.length} rounds, ${findings.length} findings\n`);
if (findings.length === 0) folder.remove();
else {
  process.stderr.write(`the data is kept in ${folder.path}\n`);
  process.exitCode = 1;
}

function print(round: CrashRound): void {
  const { reportedPaid, reportedFailed, unanswered, paid, paidAgain, restartMs, recoveredMs } = round;
  process.stdout.write(
    `round ${round.round}: reported paid ${reportedPaid}, failed ${reportedFailed}, unanswered ${unanswered}; ` +
      `paid ${paid}, ${paidAgain} after all were repeated; up after ${restartMs.toFixed(0)} ms, ` +
      `all ended ${recoveredMs.toFixed(0)} ms later; ` +
      `${round.findings.length === 0 ? "ok" : round.findings.join("; ")}\n`,
  );
}

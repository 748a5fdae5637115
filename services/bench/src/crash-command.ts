// `npm run crash`: ten rounds of kill -9 in the middle of thousands of concurrent checkouts.
import { temporaryFolder } from "@assent/launcher";
import { parseArgs } from "node:util";
import { type CrashRound, crashProof } from "./crash-proof.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    orders: { type: "string", default: "8000" },
    connections: { type: "string", default: "400" },
    json: { type: "boolean" },
  },
});

const folder = temporaryFolder();
const rounds = await crashProof({
  dataFolder: folder.path,
  rounds: Number(values.rounds),
  ordersPerRound: Number(values.orders),
  connections: Number(values.connections),
  random: Math.random,
  onRound: (round) => (values.json === true ? undefined : print(round)),
});
const findings = rounds.flatMap((round) => round.findings);
if (values.json === true) process.stdout.write(`${JSON.stringify(rounds, null, 2)}\n`);
else process.stdout.write(`${rounds.length} rounds, ${findings.length} findings\n`);
if (findings.length === 0) folder.remove();
else {
  process.stderr.write(`the data is kept in ${folder.path}\n`);
  process.exitCode = 1;
}

function print(round: CrashRound): void {
  const { toldPaid, toldFailed, unanswered, paid, paidAgain, restartMs, recoveredMs } = round;
  process.stdout.write(
    `round ${round.round}: told paid ${toldPaid}, told failed ${toldFailed}, unanswered ${unanswered}; ` +
      `paid ${paid}, and ${paidAgain} after a repeat of all; up after ${restartMs.toFixed(0)} ms, ` +
      `all ended ${recoveredMs.toFixed(0)} ms later; ` +
      `${round.findings.length === 0 ? "ok" : round.findings.join("; ")}\n`,
  );
}

// Books seats one by one, and prints the number of each trip once its branch has acknowledged: first the reservation,
// then the booking. Killed by its parent.
import { systemClock } from "assent/node";
import { defaultLimits } from "assent/internal/protocol";
import { sqlite } from "../src/stores/sqlite.ts";
import { seatCommand, seatSeller } from "./seats.ts";

const [path = "", first = "0"] = process.argv.slice(2);
const options = { service: "flights", handler: seatSeller, limits: defaultLimits, clock: systemClock };
const { branches } = await sqlite(path).openBranches(options);
for (let number = Number(first); ; number += 1) {
  const now = Date.now();
  for (const verb of ["prepare", "commit"] as const) {
    const [answer] = await branches.apply([seatCommand(verb, number, { now })]);
    if (answer?.kind !== "done") throw new Error(`${verb} ${number}: ${JSON.stringify(answer)}`);
    process.stdout.write(`${number} ${answer.state}\n`);
  }
}

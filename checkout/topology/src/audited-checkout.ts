// Runs `assent audit` on a folder that is not in use and returns its findings.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../cli/bin/assent.mjs", import.meta.url));

/** Empty if everything adds up. @throws Error with the output if there is no report */
export async function auditCheckout(dataFolder: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [command, "audit", "--json", "--data", dataFolder]);
  const exited = once(child, "exit");
  const [report, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  if (report === "") throw new Error(`assent audit printed no report: ${errors}`);
  // The report of the command of this version.
  return (JSON.parse(report) as { findings: readonly string[] }).findings;
}

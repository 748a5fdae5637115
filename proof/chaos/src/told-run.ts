// A run of the chaos suite as a command: each fault is told when it is over, then the report; what is needed to look
// into a finding is kept.
import type { temporaryFolder } from "@assent/topology";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChaosOptions, type ChaosReport, chaosRun, type FaultResult } from "./chaos-run.ts";
import { chaosReportText } from "./report.ts";

export interface ToldRunOptions extends Pick<
  ChaosOptions,
  "stage" | "faults" | "connections" | "requestsPerSecond" | "everyMs"
> {
  /** As it is called, without its options. */
  readonly command: string;
  /** Of the stage; removed when nothing was found. */
  readonly folder: ReturnType<typeof temporaryFolder>;
  readonly json: boolean;
  /** Where the report is written, too. */
  readonly report?: string | undefined;
  /** Where every attempt is written. */
  readonly history?: string | undefined;
}

/** Closes the stage in the end. The exit code of this process is 1 on any finding. */
export async function toldRun(options: ToldRunOptions): Promise<void> {
  const { stage, folder, json, history } = options;
  const begunAt = new Date();
  const report = await chaosRun({
    ...options,
    ...(history !== undefined && { historyFile: history }),
    onCase: (result) => (json ? undefined : print(result)),
  });
  await stage.close();
  tell(report, options, begunAt);
  if (report.findings.length === 0) folder.remove();
  else process.exitCode = 1;
}

function tell(report: ChaosReport, options: ToldRunOptions, begunAt: Date): void {
  const words = process.argv.slice(2).map((word) => (word.includes(" ") ? JSON.stringify(word) : word));
  const command = [options.command, ...(words.length > 0 ? ["--"] : []), ...words].join(" ");
  const text = chaosReportText(report, { command, begunAt });
  if (options.report !== undefined) writeFileSync(options.report, text);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `\n${text}`);
  if (report.findings.length === 0) return;
  writeFileSync(join(options.folder.path, "findings.txt"), report.findings.join("\n"));
  process.stderr.write(`${report.findings.length} findings; the data is kept in ${options.folder.path}\n`);
}

function print({ name, flowsAfterMs, stoodStillMs, wellAfterMs }: FaultResult): void {
  const columns = [flowsAfterMs, stoodStillMs, wellAfterMs].map((ms) => `${(ms / 1_000).toFixed(1)} s`.padStart(8));
  process.stdout.write(`flows after ${columns[0]}, stood still ${columns[1]}, well after ${columns[2]}  ${name}\n`);
}

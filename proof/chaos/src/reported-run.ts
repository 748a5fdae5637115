// A run of the chaos suite as a command: prints each fault when it is over, then the report; keeps the data needed to
// investigate a finding.
import type { temporaryFolder } from "@assent/topology";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChaosOptions, type ChaosReport, chaosRun, type FaultResult } from "./chaos-run.ts";
import { chaosReportText } from "./report.ts";

export interface ReportedRunOptions extends Pick<
  ChaosOptions,
  "system" | "faults" | "connections" | "requestsPerSecond" | "everyMs"
> {
  /** The command without its options. */
  readonly command: string;
  /** Folder of the system; removed if there is no finding. */
  readonly folder: ReturnType<typeof temporaryFolder>;
  readonly json: boolean;
  /** Also writes the report to this file. */
  readonly report?: string | undefined;
  /** Writes every attempt to this file. */
  readonly history?: string | undefined;
}

/** Closes the system at the end. The exit code of this process is 1 on any finding. */
export async function reportedRun(options: ReportedRunOptions): Promise<void> {
  const { system, folder, json, history } = options;
  const begunAt = new Date();
  const report = await chaosRun({
    ...options,
    ...(history !== undefined && { historyFile: history }),
    onCase: (result) => (json ? undefined : print(result)),
  });
  await system.close();
  printReport(report, options, begunAt);
  if (report.findings.length === 0) folder.remove();
  else process.exitCode = 1;
}

function printReport(report: ChaosReport, options: ReportedRunOptions, begunAt: Date): void {
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
  process.stdout.write(`recovered ${columns[0]}, interrupted ${columns[1]}, healthy ${columns[2]}  ${name}\n`);
}

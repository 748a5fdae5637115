// The results of a run as a document.
import { cpus, totalmem } from "node:os";
import type { ChaosReport, FaultResult } from "./chaos-run.ts";
import { answerMaxMs } from "./load/history-figures.ts";
import { roles } from "./faults/fault.ts";

export interface ReportContext {
  readonly command: string;
  readonly begunAt: Date;
}

export function chaosReportText(report: ChaosReport, { command, begunAt }: ReportContext): string {
  const { results, figures, findings } = report;
  const percent = (part: number): string => `${(100 * part).toFixed(3)} %`;
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const lines = [
    `\`${command}\`, ${begunAt.toISOString().slice(0, 16)}Z, ${processor}, Node ${process.versions.node}`,
    "",
    `- faults: ${results.length}; findings: ${findings.length}`,
    `- attempts: ${figures.attempts}, answered within ${answerMaxMs / 1_000} s: ${percent(figures.answeredInTime)}; ` +
      `checkouts answered 5xx: ${figures.checkouts5xx}; all 5xx: ${figures.all5xx}`,
    `- requests, with failover and retries: ${figures.requests.total}, answered within ${answerMaxMs / 1_000} s: ` +
      `${percent(figures.requests.answeredInTime)}; done ${figures.requests.done}, refused ` +
      `${figures.requests.refused}, unclear ${figures.requests.unclear}; orders paid: ${figures.ordersPaid}`,
    `- checkouts: median ${ms(figures.checkoutLatencies.p50Ms)}, p99 ${ms(figures.checkoutLatencies.p99Ms)}, ` +
      `longest ${ms(figures.checkoutLatencies.maxMs)}`,
    "",
    ...table(results),
    ...(findings.length === 0
      ? []
      : ["", "Findings:", "", ...findings.slice(0, findingsShown).map((each) => `- ${each}`)]),
    "",
  ];
  return lines.join("\n");
}

const findingsShown = 100;

/** By role if every fault was a kill of one process; otherwise fault by fault. */
function table(results: readonly FaultResult[]): readonly string[] {
  const groups = Map.groupBy(results, ({ name }) => roles.find((role) => name.startsWith(`${role} `)) ?? name);
  const rows = [...groups].map(([name, group]) => {
    const of = (pick: (result: FaultResult) => number): string => {
      const sorted = group.map(pick).sort((a, b) => a - b);
      const at = (part: number): string => ms(sorted[Math.ceil((sorted.length - 1) * part)] ?? 0);
      return sorted.length === 1 ? at(0) : `${at(0.5)} / ${at(0.99)}`;
    };
    const columns = [of((each) => each.flowsAfterMs), of((each) => each.stoodStillMs), of((each) => each.wellAfterMs)];
    return `| ${name} | ${group.length} | ${columns.join(" | ")} |`;
  });
  return [
    "| fault | times | checkouts recover after (median / p99) | longest interruption | all healthy after |",
    "|---|---|---|---|---|",
    ...rows,
  ];
}

function ms(value: number): string {
  return value >= 1_000 ? `${(value / 1_000).toFixed(2)} s` : `${value.toFixed(0)} ms`;
}

// The cost of a process so far and its memory now, for all threads, as Linux reports them in /proc/pid (proc(5)).
import { readFileSync } from "node:fs";
import { processCpuSeconds } from "./process-cpu.ts";

export interface ProcessFigures {
  readonly cpuSeconds: number;
  /** Write calls of any kind, to files, sockets and other threads. */
  readonly writeCalls: number;
  /** Sent to the disk. Zero where the file system is in memory. */
  readonly writtenBytes: number;
  readonly residentBytes: number;
}

export function processFigures(pid: number): ProcessFigures {
  const io = fieldsOf(`/proc/${pid}/io`);
  return {
    cpuSeconds: processCpuSeconds(pid),
    writeCalls: io.get("syscw") ?? 0,
    writtenBytes: io.get("write_bytes") ?? 0,
    residentBytes: (fieldsOf(`/proc/${pid}/status`).get("VmRSS") ?? 0) * 1_024,
  };
}

function fieldsOf(file: string): ReadonlyMap<string, number> {
  const lines = readFileSync(file, "utf8").matchAll(/^(\w+):\s+(\d+)/gm);
  return new Map(Array.from(lines, ([, name = "", value]) => [name, Number(value)]));
}

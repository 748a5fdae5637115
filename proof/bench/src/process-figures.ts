// Cost so far and current memory of a process and its descendants, including all threads, from Linux's /proc/pid
// (proc(5)).
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { processCpuSeconds } from "./process-cpu.ts";

export interface ProcessFigures {
  readonly cpuSeconds: number;
  /** Write calls of any kind, to files, sockets and other threads. */
  readonly writeCalls: number;
  /** Bytes sent to the disk. Zero if the file system is in memory. */
  readonly writtenBytes: number;
  /** Of all processes of each program, such as `node` or `redis-server`. */
  readonly residentBytes: ReadonlyMap<string, number>;
  /** The largest process of each program. */
  readonly residentBytesMax: ReadonlyMap<string, number>;
}

/** A process that ends meanwhile is not counted: call it while the same processes run. */
export function processFigures(pid: number): ProcessFigures {
  let [cpuSeconds, writeCalls, writtenBytes] = [0, 0, 0];
  const residentBytes = new Map<string, number>();
  const residentBytesMax = new Map<string, number>();
  for (const member of familyOf(pid)) {
    const io = fieldsOf(`/proc/${member}/io`);
    cpuSeconds += processCpuSeconds(member);
    writeCalls += io.get("syscw") ?? 0;
    writtenBytes += io.get("write_bytes") ?? 0;
    const program = programOf(member);
    const resident = (fieldsOf(`/proc/${member}/status`).get("VmRSS") ?? 0) * 1_024;
    residentBytes.set(program, (residentBytes.get(program) ?? 0) + resident);
    residentBytesMax.set(program, Math.max(residentBytesMax.get(program) ?? 0, resident));
  }
  return { cpuSeconds, writeCalls, writtenBytes, residentBytes, residentBytesMax };
}

/** The process and all of its descendants. */
function familyOf(pid: number): ReadonlySet<number> {
  const parents = readdirSync("/proc").flatMap((name): (readonly [number, number])[] => {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    return parent === undefined ? [] : [[Number(name), parent]];
  });
  const family = new Set([pid]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return family;
}

/** Undefined for a process that has ended. */
function parentOf(pid: number): number | undefined {
  try {
    return fieldsOf(`/proc/${pid}/status`).get("PPid");
  } catch {
    return undefined;
  }
}

function programOf(pid: number): string {
  const [program = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return basename(program.split(" ")[0] ?? "");
}

function fieldsOf(file: string): ReadonlyMap<string, number> {
  const lines = readFileSync(file, "utf8").matchAll(/^(\w+):\s+(\d+)/gm);
  return new Map(Array.from(lines, ([, name = "", value]) => [name, Number(value)]));
}

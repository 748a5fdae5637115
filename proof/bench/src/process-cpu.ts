// CPU time of a process with all its threads, from Linux (proc(5), /proc/pid/stat fields 14 and 15).
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).trim());

/** Seconds of user and system time so far. */
export function processCpuSeconds(pid: number): number {
  return cpuOf(statOf(String(pid)));
}

/** The same of a process and its children that are running; of others that were waited for, too. */
export function cpuSecondsOfTree(pid: number): number {
  let seconds = 0;
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = statOf(id);
      if (Number(id) === pid) seconds += cpuOf(fields) + (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
      else if (Number(fields[1]) === pid) seconds += cpuOf(fields);
    } catch (error) {
      // It has ended since it was listed.
      if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")))
        throw error;
    }
  }
  return seconds;
}

/** What follows the name of the command, which may hold anything: the state is the first. */
function statOf(pid: string): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function cpuOf(fields: readonly string[]): number {
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

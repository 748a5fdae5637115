// Startup flags of the embedded topology's process. The sizes of V8's heaps and the behaviour of the allocator are
// fixed when a process starts, so the process replaces itself, keeping its id, by one that has them.
// Plain JavaScript: loading TypeScript here would load the compiler that the cache below avoids.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Half of the young generation of the main thread and of each store thread. V8's default grows to several times this
 * under load: 106 MB in the main thread alone. Half of this, with less growth below, saves another 50 MB, and costs
 * more CPU.
 */
const semiSpaceMegabytes = 16;
/**
 * How far an old generation may grow between two collections. V8's default lets it reach several times the live data:
 * at 64 connections the four heaps held 50 MB each with 20 MB alive.
 */
const heapGrowthPercent = 40;

const flags = [
  `--max-semi-space-size=${semiSpaceMegabytes}`,
  `--heap-growing-percent=${heapGrowthPercent}`,
  // For the collection when idle: V8 starts none by itself (packages/assent/src/node/memory.ts).
  "--expose-gc",
];

/**
 * Types are stripped and code is compiled once for each version of a file. Without the cache each of the four threads
 * has the compiler in memory, 10 MB in each.
 */
const cacheFolder = fileURLToPath(new URL("../../../.cache/compiled", import.meta.url));

const environment = {
  NODE_COMPILE_CACHE: cacheFolder,
  // glibc gives each thread its own arena, whose free memory the other threads cannot use.
  MALLOC_ARENA_MAX: "2",
  // glibc raises this with each large block that is freed, and then retains free memory.
  MALLOC_TRIM_THRESHOLD_: "131072",
  // Settings of the user take precedence.
  ...process.env,
};

/** Returns if this process already has its settings, or cannot replace itself (on Windows). */
export function replaceProcess() {
  if (process.execve === undefined || flags.every((flag) => process.execArgv.includes(flag))) return;
  if (!existsSync(cacheFolder)) fillCache();
  // The user's flags come later and take precedence.
  const args = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, environment);
}

/** In a process with the same flags, because V8 rejects code compiled under others. */
function fillCache() {
  const modules = ["main.ts", "serve.ts", "embedded/order-thread.ts", "embedded/participant-thread.ts"];
  const paths = modules.map((module) => fileURLToPath(new URL(`../src/${module}`, import.meta.url)));
  const imports = paths.flatMap((path) => ["--import", path]);
  spawnSync(process.execPath, [...flags, ...imports, "--eval", ""], { env: environment });
}

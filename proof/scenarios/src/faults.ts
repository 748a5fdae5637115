// Injects the faults of a plan into a deployment, and ends them.
import { type Fault, fairStoreWeather, fairWeather, faultText, type StoreWeather } from "@assent/simulator";
import { branchTable, changesIn, leaseOperations, leaseTable, recordTable, type Writes } from "assent/internal/engine";
import type { Deployment } from "./deployment.ts";

/** Longest delay of a message in bad weather: past deadlines, takeovers and, sometimes, `maxAge`. */
const delaysMs: readonly number[] = [50, 800, 4_000, 15_000, 70_000];
const slowMaxMs = 3_000;

export function scheduleFaults(deployment: Deployment, faults: readonly Fault[]): void {
  for (const fault of faults) deployment.time.after(fault.atMs, () => perform(deployment, fault));
}

/** Ends all faults: dead processes start, stalled ones wake, links and stores recover. */
export function healAll(deployment: Deployment): void {
  const { bus, stores, processes, trace } = deployment;
  bus.heal();
  for (const store of stores) store.weather = fairStoreWeather;
  for (const [slot, process] of processes) {
    process.resume();
    process.dieAfterPoints(Infinity);
    if (process.state === "dead") deployment.boot(slot);
  }
  trace.add("every fault has ended");
}

function perform(deployment: Deployment, fault: Fault): void {
  const { time, trace, bus, orders, processes } = deployment;
  const { kind, target, forMs, strength } = fault;
  const process = processes.get(target);
  trace.fault(faultText(fault));
  switch (kind) {
    case "crash":
      process?.die();
      return restartLater(deployment, target, forMs);
    case "crash_at_point":
      process?.dieAfterPoints(strength);
      return restartLater(deployment, target, forMs);
    case "pause":
      process?.pause();
      time.after(forMs, () => process?.resume());
      return;
    case "cut_one_way":
    case "cut_both_ways": {
      const [from = "", to = ""] = target.split(">");
      bus.cut(from, to);
      if (kind === "cut_both_ways") bus.cut(to, from);
      time.after(forMs, () => bus.mend(from, to));
      return;
    }
    case "bad_weather": {
      const delayMaxMs = delaysMs[Math.floor(forMs) % delaysMs.length] ?? 0;
      bus.weather = { loss: strength, duplication: strength, delay: strength, delayMaxMs };
      time.after(forMs, () => bus.clearUp());
      return;
    }
    case "bus_down":
      bus.weather = { ...fairWeather, loss: 1 };
      time.after(forMs, () => bus.clearUp());
      return;
    case "very_late":
      bus.weather = { ...fairWeather, duplication: strength, delay: strength, delayMaxMs: forMs };
      time.after(forMs, () => bus.clearUp());
      return;
    case "lose_forgets":
      bus.forgetLoss = strength;
      time.after(forMs, () => {
        bus.forgetLoss = 0;
      });
      return;
    case "store_failures":
      return storeWeather(deployment, fault, { failure: strength });
    case "store_lost_replies":
      return storeWeather(deployment, fault, { lostReply: strength });
    case "store_slow":
      return storeWeather(deployment, fault, { slow: strength, slowMaxMs });
    case "store_full":
      return storeWeather(deployment, fault, { full: true });
    case "lose_log_tail":
      return loseLogTail(deployment, strength);
    case "lose_votes":
      return loseVotes(deployment, target, strength);
    case "lose_leases":
      for (const [name, { holder }] of deployment.history.mirror("orders").entries(leaseTable)) {
        const release = orders.direct.run(leaseOperations.releaseLease, { name, holder });
        release.catch((error: unknown) => trace.add(`${name} is still running: ${String(error)}`));
      }
      return;
  }
}

/** Starts a process in its slot, unless another has started there since. */
function restartLater(deployment: Deployment, slot: string, afterMs: number): void {
  const dead = deployment.processes.get(slot);
  deployment.time.after(afterMs, () => {
    if (deployment.processes.get(slot) === dead && dead?.state === "dead") deployment.boot(slot);
  });
}

function storeWeather(deployment: Deployment, { target, forMs }: Fault, change: Partial<StoreWeather>): void {
  const { stores, time } = deployment;
  const store = stores.find(({ name }) => name === target);
  if (store === undefined) return;
  store.weather = { ...store.weather, ...change };
  time.after(forMs, () => {
    store.weather = fairStoreWeather;
  });
}

/** How old a transaction may be that the log loses completely. */
const lookBackMax = 40;

/**
 * Tolerated by the fault model: the log loses its newest commits, unless ownership has changed in them. The processes
 * that used it lose their connections and all calls in progress: they restart.
 */
function loseLogTail(deployment: Deployment, commits: number): void {
  const { orders, history } = deployment;
  const younger = orders.engine.commits.slice(deployment.setupCommits);
  const lost = commits === 0 ? sinceSomeBegin(deployment, younger) : commits;
  if (lost === 0 || younger.length < lost || history.changesOwner("orders", younger.slice(-lost))) return;
  rewind(deployment, orders, lost);
}

/** Number of newest commits since one in which some transaction began; 0 if there is none. */
function sinceSomeBegin({ random }: Deployment, younger: readonly Writes[]): number {
  const recent = younger.slice(-lookBackMax);
  const begins = recent.flatMap((writes, index) => {
    const records = [...changesIn(writes, recordTable).values()];
    const isBegin = records.some((record) => record?.state === "active" && record.epoch === record.begunAt);
    return isBegin ? [recent.length - index] : [];
  });
  return begins.length === 0 ? 0 : random.pick(begins);
}

/** A branch store loses its newest commits, as far as they contain only votes. */
function loseVotes(deployment: Deployment, target: string, commitsMax: number): void {
  const store = target === "stock" ? deployment.stock : deployment.payment;
  const tail = store.engine.commits.slice(-commitsMax);
  const lost = tail.length - 1 - tail.findLastIndex((writes) => !isVotes(writes));
  if (lost === 0) return;
  deployment.history.noteLostVotes(tail.slice(-lost));
  rewind(deployment, store, lost);
}

function isVotes(writes: Writes): boolean {
  const records = [...changesIn(writes, branchTable).values()];
  return records.length > 0 && records.every((record) => record?.state === "prepared");
}

/** A store loses its newest commits; the processes that used it lose their connections, and restart. */
function rewind(deployment: Deployment, store: Deployment["stores"][number], commits: number): void {
  const { processes } = deployment;
  const service = store.name === "orders" ? "order" : store.name;
  const slots = [...processes.keys()].filter((slot) => slot.startsWith(service));
  for (const slot of slots) processes.get(slot)?.die();
  store.loseTail(commits);
  deployment.watch();
  for (const slot of slots) deployment.boot(slot);
}

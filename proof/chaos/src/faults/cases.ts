// The cases of the chaos suite, by name.
import { databaseNames } from "@assent/topology";
import {
  cutOff,
  cutOffMaster,
  type Fault,
  fullDisk,
  kill,
  killMaster,
  readOnlyDisk,
  replaceMaster,
  slowDown,
  stall,
  stallMaster,
  stopAndStart,
  type Strike,
} from "./fault.ts";

const isInstance = (name: string): boolean => /^(order|stock|payment)-\d$/.test(name);

/** Longer than the lease of an instance (5 s): its transactions are taken over meanwhile. */
const longerThanLeaseMs = 8_000;
const someTimeMs = 5_000;
const shortMs = 1_000;

const inTurn =
  (...strikes: readonly Strike[]): Strike =>
  async (system) => {
    for (const strike of strikes) await strike(system);
  };

const together =
  (...strikes: readonly Strike[]): Strike =>
  async (system) => {
    await Promise.all(strikes.map((strike) => strike(system)));
  };

/** The obvious cases, as the system's description names them. */
const scenarios: readonly Fault[] = [
  {
    name: "an instance of each service is stopped, and started again",
    strike: inTurn(
      stopAndStart("order-0", shortMs),
      stopAndStart("stock-0", shortMs),
      stopAndStart("payment-0", shortMs),
    ),
  },
  { name: "an instance of each service is killed", strike: kill("order-0", "stock-1", "payment-0") },
  { name: "all instances of stock are killed in the middle of checkouts", strike: kill("stock-0", "stock-1") },
  { name: "the coordinators die", strike: kill("order-0", "order-1") },
  { name: "the master of stock is killed", strike: killMaster("stock") },
  { name: "the master of payment is killed", strike: killMaster("payment") },
  { name: "the master with the log is killed", strike: killMaster("order") },
  {
    name: "one failure after another: an instance, a master, a broker, a gateway",
    strike: together(kill("payment-1"), killMaster("stock"), kill("nats-0"), kill("gateway-0")),
  },
  { name: "all brokers are killed, and their streams are lost", strike: kill("nats-0", "nats-1", "nats-2") },
];

const kills: readonly Fault[] = [
  ...["nats-0", "nats-1", "nats-2", "sentinel-0", "gateway-0", "gateway-1"].map((name) => ({
    name: `${name} is killed`,
    strike: kill(name),
  })),
  {
    name: "a sentinel is started again while a master is dead",
    strike: together(killMaster("payment"), kill("sentinel-2")),
  },
  {
    name: "a replica of the log is killed",
    strike: async (system) => {
      const master = await system.master("order");
      await kill(databaseNames("order").find((name) => name !== master) ?? "")(system);
    },
  },
];

const stalls: readonly Fault[] = [
  { name: "a coordinator stalls for longer than its lease", strike: stall("order-0", longerThanLeaseMs) },
  { name: "a participant stalls", strike: stall("stock-0", longerThanLeaseMs) },
  {
    name: "the master of payment stalls, is replaced, and wakes up",
    strike: stallMaster("payment", someTimeMs),
  },
  {
    name: "the master with the log stalls, is replaced, and wakes up",
    strike: stallMaster("order", someTimeMs),
  },
  {
    name: "the master of stock stalls and wakes up just when another is promoted",
    strike: stallMaster("stock", 0),
  },
  {
    name: "the master with the log stalls and wakes up just when another is promoted",
    strike: stallMaster("order", 0),
  },
  { name: "a broker stalls", strike: stall("nats-1", someTimeMs) },
  {
    name: "a sentinel stalls while a master dies",
    strike: together(stall("sentinel-0", someTimeMs), killMaster("stock")),
  },
  { name: "a gateway stalls", strike: stall("gateway-0", someTimeMs) },
];

/** Done by every operator before maintenance; the old master is alive and working. */
const replacements: readonly Fault[] = [
  { name: "the master of payment is replaced on purpose", strike: replaceMaster("payment") },
  { name: "the master with the log is replaced on purpose", strike: replaceMaster("order") },
];

const cuts: readonly Fault[] = [
  {
    name: "the instances of stock are cut off from their database",
    cuts: true,
    strike: cutOff((from, to) => from.startsWith("stock-") && to.startsWith("redis-stock-"), someTimeMs),
  },
  {
    name: "a coordinator is cut off from its database for longer than its lease",
    cuts: true,
    strike: cutOff((from, to) => from === "order-0" && to.startsWith("redis-order-"), longerThanLeaseMs),
  },
  {
    name: "a participant is cut off from the brokers",
    cuts: true,
    strike: cutOff((from, to) => from === "payment-1" && to.startsWith("nats-"), someTimeMs),
  },
  {
    name: "the master of stock is cut off from everybody, is replaced, and returns",
    cuts: true,
    strike: cutOffMaster("stock", () => true, someTimeMs),
  },
  {
    name: "the master with the log is cut off from its replicas and the sentinels, and still heard by coordinators",
    cuts: true,
    strike: cutOffMaster("order", (from) => !isInstance(from), someTimeMs),
  },
  {
    name: "the brokers are cut off from each other",
    cuts: true,
    strike: cutOff((from, to) => from.startsWith("nats-") && to.startsWith("nats-"), someTimeMs),
  },
  {
    name: "a gateway is cut off from the order service",
    cuts: true,
    strike: cutOff((from, to) => from === "gateway-0" && to.startsWith("order-"), someTimeMs),
  },
  {
    name: "the database of payment is slow",
    cuts: true,
    strike: slowDown((from, to) => from.startsWith("payment-") && to.startsWith("redis-payment-"), 100, someTimeMs),
  },
];

const disks: readonly Fault[] = [
  { name: "the disk of the master of stock is full", strike: fullDisk("stock", someTimeMs) },
  { name: "the disk of the master with the log is full", strike: fullDisk("order", someTimeMs) },
  { name: "the disk of the master of payment is read-only", strike: readOnlyDisk("payment") },
];

export const faults: readonly Fault[] = [...scenarios, ...kills, ...stalls, ...replacements, ...cuts, ...disks];

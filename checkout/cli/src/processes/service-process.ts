// The common parts of every service process: a bus, its own store, an HTTP server, fault injection if enabled, and an
// orderly shutdown.
import { answerHealth, serviceApp, type ServiceApp } from "@assent/contract";
import { faultApp, faultControl, type FaultRules, performFaultRequest } from "@assent/faults";
import type { Outage } from "assent/internal/ports";
import { type BoundOperations, type Executor, OnceSweeper } from "assent/internal/engine";
import type { ServerState } from "@assent/redis";
import { nextTurn, systemClock, systemRandom } from "assent/node";
import { NatsBus } from "@assent/nats";
import { setTimeout as pause } from "node:timers/promises";
import { faultRules } from "../fault-settings.ts";
import { warnOfOpenHost } from "../http/loopback.ts";
import { giveLastAnswers } from "../http/last-answers.ts";
import { ServiceServer } from "../http/service-server.ts";
import { shownError } from "../redaction.ts";
import { faultsOf } from "../settings.ts";
import { closeOnSignal } from "../shutdown.ts";
import { keyPrefix } from "./database-settings.ts";
import { openDatabase } from "./database.ts";
import { type ProcessSettings, settingLines } from "./process-settings.ts";

/** First segment of a service's paths. */
export type ServicePath = "orders" | "stock" | "payment";

export interface ServiceProcessOptions {
  readonly path: ServicePath;
  readonly settings: ProcessSettings;
  readonly operations: BoundOperations;
  /** Points where faults can be injected. */
  readonly faultPoints: readonly string[];
  readonly make: (surroundings: Surroundings) => ServiceParts;
}

/** Dependencies of a service. */
export interface Surroundings {
  /** Unique among all processes, including earlier ones with the same name (R1). */
  readonly owner: string;
  readonly store: Executor;
  /** Whether a server may take over that lacks the newest acknowledged writes. */
  readonly mayLoseTail: boolean;
  readonly bus: NatsBus;
  readonly rules: FaultRules | undefined;
  readonly report: (error: unknown, where: string) => void;
}

export interface ServiceParts {
  readonly app: ServiceApp;
  /** Rejects when the service cannot work. */
  readonly ping: () => Promise<void>;
  /** Begins to take commands from the bus and to recover unfinished work. */
  readonly start: () => Promise<void>;
  /** Interrupts a running seeding. */
  readonly stopSeeding: () => void;
  /** Accepts nothing new and waits for work in progress. */
  readonly stop: () => Promise<void>;
}

/** How long to wait for another instance's fault rules after the latest answer. */
const faultQuietMs = 150;

/** Runs until it is asked to stop. @throws {CannotStart} {NatsUnavailable} {ServerUnreachable} */
export async function runService(options: ServiceProcessOptions): Promise<void> {
  const { path, settings, operations, faultPoints, make } = options;
  const name = settings.INSTANCE_ID ?? path;
  const report = (error: unknown, where: string): void => console.error(`${name}: ${where}:`, shownError(error));
  console.log([`${name}: settings`, ...settingLines(settings)].join("\n  "));
  console.log(`${name}: waiting for the broker and the database`);
  const bus = await openBus(settings, { name, report });
  const prefix = keyPrefix(settings, path);
  const database = await openDatabase({ settings, name, prefix, operations });
  const { store } = database;
  const initialFaults = faultsOf(settings);
  const rules = initialFaults === undefined ? undefined : faultRules(faultPoints, initialFaults);
  const owner = `${name}:${systemRandom.name()}`;
  const { mayLoseTail } = database;
  const parts = make({ owner, store, mayLoseTail, bus, rules, report });
  const life = { isDraining: false };
  const check = (): Promise<object> => health({ parts, bus, store, life });
  const app = serviceApp(report);
  app.get("/health", (context) => answerHealth(context, check));
  app.get(`/${path}/health`, (context) => answerHealth(context, check));
  if (rules !== undefined) app.route("/", await servedFaults({ path, name, bus, rules, faultPoints, report }));
  app.route("/", parts.app);
  const self = { system: settings.ASSENT_SYSTEM, instance: settings.INSTANCE_ID };
  const server = new ServiceServer((request) => app.fetch(request), self);
  await parts.start();
  const sweeper = new OnceSweeper({
    executor: store,
    clock: systemClock,
    report: (error) => report(error, "sweep"),
  });
  sweeper.start();
  const url = await server.listen({ host: settings.HOST, port: settings.PORT });
  closeOnSignal(async () => {
    life.isDraining = true;
    await pause(settings.ASSENT_DRAIN_MS);
    sweeper.stop();
    server.stopListening();
    await parts.stop();
    await giveLastAnswers(server, parts.stopSeeding);
    await database.close();
    await bus.close();
    const { steps, rounds, readings, conflicts } = store.counts;
    console.log(`${name}: ${steps} steps in ${rounds} rounds and ${readings} readings, ${conflicts} run again`);
  });
  warnOfOpenHost(name, settings.HOST);
  console.log(`${name}: serving on ${url}, durability ${store.durability}`);
  if (store.server.memoryBytesMax === 0) {
    console.error(`${name}: the database has no maxmemory and can exhaust the memory of its machine. Set a limit.`);
  }
}

function openBus(
  settings: ProcessSettings,
  { name, report }: { name: string; report: (error: unknown, where: string) => void },
): Promise<NatsBus> {
  const { NATS_URL, ASSENT_DELIVERY, ASSENT_NAMESPACE, ASSENT_STREAM_STORAGE, ASSENT_STREAM_COPIES } = settings;
  return NatsBus.connect({
    servers: NATS_URL.split(",").map((server) => server.trim()),
    name,
    instance: name,
    delivery: ASSENT_DELIVERY,
    prefix: ASSENT_NAMESPACE,
    limits: { companyWaitMs: settings.ASSENT_COMPANY_WAIT_MS },
    storage: { kind: ASSENT_STREAM_STORAGE, replicas: ASSENT_STREAM_COPIES },
    clock: systemClock,
    random: systemRandom,
    schedule: nextTurn,
    onFailure: (work, error) => report(error, work),
  });
}

interface Checked {
  readonly parts: ServiceParts;
  readonly bus: NatsBus;
  readonly store: { readonly durability: string; readonly server: ServerState };
  readonly life: { readonly isDraining: boolean };
}

/** The health report when the service can work. @throws Error with the reason when it cannot */
async function health({ parts, bus, store, life }: Checked): Promise<object> {
  if (life.isDraining) throw new Error("this process is stopping");
  const { outage } = bus;
  if (outage !== undefined && outage.to === undefined) throw cutOff(outage);
  const { connected, services } = bus.status();
  if (!connected) throw new Error("the bus cannot be reached");
  const deaf = services.find(({ ready }) => !ready);
  if (deaf !== undefined) throw new Error(`${deaf.service} gets no commands: ${deaf.problem ?? "not yet"}`);
  if (store.server.problem !== undefined) throw store.server.problem;
  await parts.ping();
  // Meanwhile commands arrive by another route.
  const slow = services.flatMap(({ service, problem }) => (problem === undefined ? [] : [`${service}: ${problem}`]));
  return { durability: store.durability, ...(slow.length > 0 && { degraded: slow }) };
}

function cutOff({ code, reason }: Outage): Error {
  return Object.assign(new Error(reason), { code });
}

interface FaultSurroundings {
  readonly path: ServicePath;
  readonly name: string;
  readonly bus: NatsBus;
  readonly rules: FaultRules;
  readonly faultPoints: readonly string[];
  readonly report: (error: unknown, where: string) => void;
}

/** Fault routes of the service: a request to any instance applies to every instance. */
async function servedFaults(surroundings: FaultSurroundings): Promise<ServiceApp> {
  const { path, name, bus, rules, faultPoints, report } = surroundings;
  const topic = `faults-${path}`;
  await bus.requests.serveEach(topic, async (message) => performFaultRequest(rules, name, message));
  const control = faultControl(faultPoints, (message) => bus.requests.askEach(topic, message, faultQuietMs));
  return faultApp(path, control, report);
}

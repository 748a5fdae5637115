// The `assent` command.
import { Command, InvalidArgumentError, Option } from "commander";
import { resolve } from "node:path";
import { isExplained } from "./explained-errors.ts";
import type { HistoryOptions } from "./history.ts";
import { shownError, withoutSecrets } from "./redaction.ts";
import { readSettings } from "./settings.ts";
import type { UpOptions } from "./up.ts";

/** Files written by this process and its children are private to this user: data, logs, settings and passwords. */
const withoutOthers = 0o077;

interface ServeOptions {
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
  readonly protocol?: string;
  readonly faults?: boolean;
  readonly acceptStores?: boolean;
}

/**
 * A command is imported when it runs: the clients of the servers that other commands need would cost the embedded
 * system 10 MB and its start a third of a second.
 */
export async function main(argv: readonly string[]): Promise<void> {
  process.umask(withoutOthers);
  const program = new Command("assent").description(
    "Distributed transactions, and the checkout system that proves them.",
  );
  program
    .command("serve", { isDefault: true })
    .description("run the whole checkout system in this process, with its data in a folder (default command)")
    .option("--data <folder>", "where the data is kept (ASSENT_DATA, default ./data)")
    .option("--host <address>", "address to listen on (HOST, default 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 for a free one (PORT, default 8000)")
    .option("--protocol <name>", "auto, 2pc or saga (ORCHESTRATOR_PROTOCOL, default auto)")
    .option("--faults", "allow fault injection over HTTP (ASSENT_FAULTS): anyone who reaches the port can crash it")
    .option("--accept-stores", "start even if the stores do not belong together")
    .action(async (options: ServeOptions) => {
      const overrides = {
        ASSENT_FAULTS: options.faults === true ? "on" : undefined,
        ASSENT_DATA: options.data,
        HOST: options.host,
        PORT: options.port,
        ORCHESTRATOR_PROTOCOL: options.protocol,
      };
      const settings = readSettings(process.env, overrides);
      const { serve } = await import("./serve.ts");
      await serve(settings, { acceptStores: options.acceptStores === true });
    });
  addServices(program);
  addUp(program);
  addAudit(program);
  addBackup(program);
  addHistory(program);
  refuseUnknown(program, argv[2]);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    console.error(isExplained(error) ? `assent: ${withoutSecrets(error.message)}` : shownError(error));
    process.exit(1);
  }
}

/** The default command takes no arguments: without this, a misspelt command would be reported as excess arguments. */
function refuseUnknown(program: Command, name: string | undefined): void {
  const names = program.commands.map((command) => command.name());
  if (name === undefined || name.startsWith("-") || ["help", ...names].includes(name)) return;
  console.error(`assent: unknown command ${name}. Commands: ${names.join(", ")}`);
  process.exit(1);
}

/** Each command runs one instance of one service with real servers; all settings come from the environment. */
function addServices(program: Command): void {
  const services = {
    order: async () => (await import("./processes/order-process.ts")).runOrder,
    stock: async () => (await import("./processes/participant-process.ts")).runStock,
    payment: async () => (await import("./processes/participant-process.ts")).runPayment,
  };
  for (const [name, imported] of Object.entries(services)) {
    program
      .command(name)
      .description(`run one instance of the ${name} service over NATS and a Redis-protocol server`)
      .option("--port <number>", "port to listen on, 0 for a free one (PORT, default 8000)")
      .action(async ({ port }: { port?: string }) => {
        const { readProcessSettings } = await import("./processes/process-settings.ts");
        const settings = readProcessSettings(process.env, { PORT: port });
        const run = await imported();
        await run(settings);
      });
  }
}

function addAudit(program: Command): void {
  program
    .command("audit")
    .description(
      "audit stock, money and orders: from the stores of a folder that is not in use, or from the databases of a " +
        "running topology, whose writes wait meanwhile",
    )
    .option("--data <folder>", "the folder (ASSENT_DATA, default ./data)")
    .addOption(topologyOption())
    .option("--json", "print the report as JSON")
    .action(async ({ data, topology, json }: { data?: string; topology?: string; json?: boolean }) => {
      const { audit, auditJson, auditTopology, printAudit } = await import("./audit.ts");
      const folder = resolve(readSettings(process.env, { ASSENT_DATA: data }).ASSENT_DATA);
      const report = topology === undefined ? audit(folder) : await auditTopology({ topology, data });
      if (json === true) console.log(auditJson(report));
      else printAudit(topology === undefined ? folder : `the databases of the ${topology} topology`, report);
      if (report.findings.length > 0) process.exitCode = 1;
    });
}

function topologyOption(): Option {
  const what = "the topology that `assent up` is running, in --data or its default folder: local or sentinel";
  return new Option("--topology <name>", what).choices(["local", "sentinel"]);
}

function addBackup(program: Command): void {
  program
    .command("backup")
    .description(
      "copy the stores as of one point in time: those of a folder, even while the system is using it, or the " +
        "databases of a running topology, whose writes wait for some milliseconds",
    )
    .argument("<folder>", "target: a folder that does not exist yet")
    .option("--data <folder>", "the folder (ASSENT_DATA, default ./data)")
    .addOption(topologyOption())
    .action(async (to: string, { data, topology }: { data?: string; topology?: string }) => {
      const { backup, backupTopology } = await import("./backup.ts");
      if (topology === undefined) {
        const folder = resolve(readSettings(process.env, { ASSENT_DATA: data }).ASSENT_DATA);
        console.log(`${folder} is backed up in ${await backup(folder, to)}`);
        return;
      }
      const { folder, target, waitedMs } = await backupTopology({ topology, data }, to);
      console.log(`${folder} is backed up in ${target}; writes waited for ${waitedMs.toFixed(1)} ms`);
    });
}

function addHistory(program: Command): void {
  program
    .command("history")
    .description(
      "print the history of a transaction: from a folder that is not in use, or from the order database of a " +
        "running system, which is not changed",
    )
    .argument("<id>", "the transaction; or an order, for its latest attempt")
    .option("--data <folder>", "the folder (ASSENT_DATA, default ./data)")
    .addOption(topologyOption())
    .option("--database", "read the database named by REDIS_HOST, SENTINEL_HOSTS and so on, as for `assent order`")
    .option("--json", "print it as JSON")
    .action(async (id: string, options: HistoryOptions & { json?: boolean }) => {
      const { history, printHistory } = await import("./history.ts");
      const { place, report } = await history(id, options);
      if (options.json === true) console.log(JSON.stringify(report, null, 2));
      else printHistory(place, report);
    });
}

function addUp(program: Command): void {
  program
    .command("up")
    .description("start a whole topology of real servers and processes on this machine, until Ctrl-C")
    .option(
      "--topology <name>",
      "local: NATS, one Redis per service, service instances, HAProxy; sentinel: three of each server, with failover",
      "local",
    )
    .option("--port <number>", "port of the gateway; the second gateway gets the next port", wholeNumber, 8_000)
    .option("--order <number>", "instances of the order service", countingNumber, 2)
    .option("--stock <number>", "instances of the stock service", countingNumber, 2)
    .option("--payment <number>", "instances of the payment service", countingNumber, 2)
    .option("--data <folder>", "where data and logs are kept (default ./data/local or ./data/sentinel)")
    .option("--protocol <name>", "auto, 2pc or saga", "auto")
    .option("--delivery <name>", "jetstream or core", "jetstream")
    .option("--faults", "allow fault injection over HTTP")
    .option("--quiet", "do not show the logs")
    .option("--accept-stores", "start even if the databases do not belong together")
    .action(async (options: UpOptions) => {
      const { up } = await import("./up.ts");
      await up(options);
    });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError("Expected a whole number.");
  return number;
}

function countingNumber(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError("Expected a number of at least 1.");
  return number;
}

// `npm run proof -- NAME`: the entry point to everything that proves or measures the system.

interface ProofCommand {
  readonly says: string;
  /** Runs the command with the remaining arguments of the process. */
  readonly run: () => Promise<unknown>;
}

const commands: Readonly<Record<string, ProofCommand>> = {
  sim: {
    says: "the checkout system in virtual time under faults; every commit is checked",
    run: () => import("./sim-command.ts"),
  },
  explore: {
    says: "every reachable state of small models of the protocol",
    run: () => import("./explore-command.ts"),
  },
  mutants: {
    says: "how many seeds of the simulator catch each mutant",
    run: () => import("./mutants-command.ts"),
  },
  crash: {
    says: "kill -9 under thousands of concurrent checkouts, then an audit of the books",
    run: () => import("@assent/bench/crash"),
  },
  faults: {
    says: "every injection point with every action, in both protocols",
    run: () => import("@assent/bench/faults"),
  },
  kills: {
    says: "kills every process of the local topology under load, then checks everything",
    run: () => import("@assent/chaos/kills"),
  },
  chaos: {
    says: "kills, stalls, partitions, full disks and failovers of the sentinel topology under load",
    run: () => import("@assent/chaos/chaos"),
  },
  scenario: {
    says: "1,000 buyers for 100 units, in every protocol",
    run: () => import("@assent/bench/scenario"),
  },
  bench: { says: "unique checkouts in a closed loop", run: () => import("@assent/bench/bench") },
  cost: {
    says: "CPU, bytes written and memory per checkout, optionally compared with another version",
    run: () => import("@assent/bench/cost"),
  },
  overhead: {
    says: "the cost of the orchestrator compared with plain calls without a protocol",
    run: () => import("@assent/bench/overhead"),
  },
  postgres: {
    says: "the cost of a branch in PostgreSQL compared with the same SQL without a protocol",
    run: () => import("@assent/bench/postgres"),
  },
  runtimes: {
    says: "the packed packages installed and used on Node 22, 24 and 26, Bun and Deno",
    run: () => import("@assent/installation/runtimes"),
  },
};

const width = Math.max(...Object.keys(commands).map((name) => name.length));
const list = Object.entries(commands).map(([name, { says }]) => `  ${name.padEnd(width)}  ${says}`);
const help = `Usage: npm run proof -- NAME [options]\n\n${list.join("\n")}\n\nEach prints its options with --help.\n`;

const [node = "", script = "", name, ...rest] = process.argv;
const command = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
if (command !== undefined) {
  process.argv = [node, script, ...rest];
  await command.run();
} else if (name === undefined || name === "--help" || name === "-h") {
  process.stdout.write(help);
} else {
  process.stderr.write(`npm run proof: unknown command ${name}. Nothing was started.\n\n${help}`);
  process.exitCode = 1;
}

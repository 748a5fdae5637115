// The commands of docs/how-to/backup-and-restore.md, unchanged, and a system under load to run them on.
import { closedLoop } from "@assent/bench";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
export const command = pathOf("checkout/cli/bin/assent.mjs");
const page = readFileSync(pathOf("docs/how-to/backup-and-restore.md"), "utf8");

/** The commands of a section whose block contains the given part. */
export function commandsOf(section: string, part: string): string {
  const text = page.slice(page.indexOf(`\n## ${section}`) + 1).split("\n## ")[0] ?? "";
  const blocks = [...text.matchAll(/```\n([^]*?)```/g)].map(([, block]) => block ?? "");
  const block = blocks.find((each) => each.includes(part));
  assert.ok(block !== undefined, `${section} has no commands with ${part}`);
  return block;
}

/** Runs commands in a shell, as a reader of the page would. @throws Error with the output when a command fails */
export function run(folder: string, commands: string): Promise<string> {
  const script = commands.replaceAll("npx assent", `'${process.execPath}' '${command}'`);
  return new Promise((resolve, reject) => {
    execFile("sh", ["-ec", script], { cwd: folder }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stdout + stderr, { cause: error }));
    });
  });
}

export async function post(url: string, path: string): Promise<number> {
  return (await fetch(url + path, { method: "POST" })).status;
}

export async function seed(url: string, orders: number): Promise<void> {
  for (const path of ["/stock/batch_init/20/100000/1", "/payment/batch_init/20/100000"]) {
    assert.equal(await post(url, path), 200);
  }
  assert.equal(await post(url, `/orders/batch_init/${orders}/20/20/1`), 200);
}

export async function isPaid(url: string, order: number): Promise<boolean> {
  const found = (await (await fetch(`${url}/orders/find/${order}`)).json()) as { paid: boolean };
  return found.paid;
}

export interface Load {
  readonly url: string;
  readonly orders: number;
  /** Collects the orders that were answered 200. */
  readonly paid: number[];
}

/** Runs small rounds of load until it is stopped. */
export async function checkOutUntil(life: { readonly isOver: boolean }, { url, orders, paid }: Load): Promise<void> {
  const round = 100;
  for (let first = 0; !life.isOver; first = (first + round) % orders) {
    await closedLoop({
      url,
      connections: 32,
      paths: Array.from({ length: round }, (_, order) => `/orders/checkout/${first + order}`),
      onReply: (order, { status }) => status === 200 && paid.push(first + order),
    });
  }
}

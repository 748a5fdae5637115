// The embedded topology as a process: its folder, its signals, its restarts.
import { serveCheckout, temporaryFolder } from "@assent/topology";
import { crashProof } from "@assent/bench";
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const command = fileURLToPath(new URL("../../checkout/cli/bin/assent.mjs", import.meta.url));

async function json(url: string, method = "GET"): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method });
  return (await response.json()) as Record<string, unknown>;
}

test("data survives a clean stop and a start, and the stop ends with code 0", async () => {
  const folder = temporaryFolder();
  const first = await serveCheckout({ dataFolder: folder.path });
  const { user_id: user } = await json(`${first.url}/payment/create_user`, "POST");
  await json(`${first.url}/payment/add_funds/${String(user)}/7`, "POST");
  assert.equal(await first.stop(), 0);
  const second = await serveCheckout({ dataFolder: folder.path });
  assert.equal((await json(`${second.url}/payment/find_user/${String(user)}`))["credit"], 7);
  assert.equal(await second.stop(), 0);
  folder.remove();
});

test("a second start on the same folder is refused, names the process that uses it, and disturbs nothing", async () => {
  const folder = temporaryFolder();
  const first = await serveCheckout({ dataFolder: folder.path });
  const second = spawnSync(process.execPath, [command, "serve", "--data", folder.path, "--port", "0"], {
    encoding: "utf8",
  });
  assert.equal(second.status, 1);
  assert.match(second.stderr, new RegExp(`in use by process ${first.pid}\\b`));
  const audited = spawnSync(process.execPath, [command, "audit", "--data", folder.path], { encoding: "utf8" });
  assert.equal(audited.status, 1);
  assert.equal((await json(`${first.url}/health`))["status"], "healthy");
  await first.kill();
  const third = await serveCheckout({ dataFolder: folder.path });
  await third.stop();
  folder.remove();
});

test("S2 the audit adds sums exactly beyond the safe integers of JavaScript", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path });
  // More than 2^53 in total, where odd numbers are rounded.
  for (const path of ["/stock/batch_init/20000/999999999999/1", "/payment/batch_init/20000/999999999999"]) {
    assert.equal((await fetch(served.url + path, { method: "POST" })).status, 200);
  }
  assert.equal((await fetch(`${served.url}/stock/subtract/0/2`, { method: "POST" })).status, 200);
  await served.stop();
  const audited = spawnSync(process.execPath, [command, "audit", "--data", folder.path], { encoding: "utf8" });
  assert.equal(audited.status, 0, audited.stderr);
  assert.match(audited.stdout, /^stock +deposited 19999999999980000 = available 19999999999979998 .* withdrawn 2$/m);
  const text = execFileSync(process.execPath, [command, "audit", "--data", folder.path, "--json"], {
    encoding: "utf8",
  });
  assert.equal((JSON.parse(text) as { stock: { deposited: unknown } }).stock.deposited, "19999999999980000");
  folder.remove();
});

test("the history of an order and its transaction is printed if the folder is not in use", async () => {
  const folder = temporaryFolder();
  const runHistory = (...words: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [command, "history", "--data", folder.path, ...words], { encoding: "utf8" });
  const served = await serveCheckout({ dataFolder: folder.path });
  const { url } = served;
  const { user_id: user } = await json(`${url}/payment/create_user`, "POST");
  const { item_id: item } = await json(`${url}/stock/item/create/3`, "POST");
  const [sold, dear, open] = await Promise.all(
    [1, 2, 3].map(async () => String((await json(`${url}/orders/create/${String(user)}`, "POST"))["order_id"])),
  );
  await fetch(`${url}/stock/add/${String(item)}/5`, { method: "POST" });
  await fetch(`${url}/payment/add_funds/${String(user)}/3`, { method: "POST" });
  for (const order of [sold, dear]) {
    await fetch(`${url}/orders/addItem/${order}/${String(item)}/1`, { method: "POST" });
    await fetch(`${url}/orders/checkout/${order}`, { method: "POST" });
  }
  const refused = runHistory(sold ?? "");
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /is in use by process \d+/);
  assert.equal(await served.stop(), 0);

  const printed = JSON.parse(runHistory(sold ?? "", "--json").stdout) as {
    txId: string;
    state: string;
    entries: object[];
  };
  assert.equal(printed.state, "committed");
  assert.deepEqual(
    printed.entries.map((entry) => ("event" in entry ? entry.event : "")),
    ["begun", "decided", "ended"],
  );
  const lines = runHistory(printed.txId).stdout.trimEnd().split("\n");
  assert.equal(lines[1], `${printed.txId} is committed`);
  assert.match(lines[3] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}decided to commit, \S+ @\d+$/);
  assert.match(runHistory(dear ?? "").stdout, /decided to abort \(insufficient_credit\)/);
  for (const [name, says] of [
    [open ?? "", /was never checked out/],
    ["nobody", /no transaction or order nobody/],
  ] as const) {
    const unknown = runHistory(name);
    assert.deepEqual([unknown.status, unknown.stdout], [1, ""]);
    assert.match(unknown.stderr, says);
  }
  folder.remove();
  assert.match(runHistory(printed.txId).stderr, /no data of `assent serve` found/);
});

test("invalid settings are refused before anything starts", () => {
  const run = spawnSync(process.execPath, [command, "serve", "--port", "99999", "--protocol", "3pc"], {
    encoding: "utf8",
  });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /nothing was started/);
  assert.match(run.stderr, /PORT/);
  assert.match(run.stderr, /ORCHESTRATOR_PROTOCOL/);
});

test("a port in use is reported, and the folder is released", async () => {
  const [folder, other] = [temporaryFolder(), temporaryFolder()];
  const first = await serveCheckout({ dataFolder: folder.path });
  const { port } = new URL(first.url);
  const second = spawnSync(process.execPath, [command, "serve", "--data", other.path, "--port", port], {
    encoding: "utf8",
  });
  assert.equal(second.status, 1);
  assert.match(second.stderr, /EADDRINUSE/);
  const third = await serveCheckout({ dataFolder: other.path });
  await Promise.all([first.stop(), third.stop()]);
  folder.remove();
  other.remove();
});

test("a signal repeated within a second counts once: the stop is still clean", async () => {
  const folder = temporaryFolder();
  const served = await serveCheckout({ dataFolder: folder.path });
  process.kill(served.pid, "SIGINT");
  assert.equal(await served.stop(), 0);
  folder.remove();
});

test("a server whose npm is killed ends on its own and releases folder and port", async () => {
  const folder = temporaryFolder();
  // A shell stands in for npm: it starts the server as npm does, and is killed.
  const script = `'${process.execPath}' '${command}' serve --data '${folder.path}' --port 0 & echo $!; wait`;
  const shell = spawn("sh", ["-c", script], {
    env: { ...process.env, npm_lifecycle_event: "start" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  const ready = new Promise<void>((resolve) => {
    shell.stdout.on("data", (chunk: unknown) => {
      printed += String(chunk);
      if (printed.includes("served on")) resolve();
    });
  });
  await ready;
  const pid = Number(printed.split("\n")[0]);
  const exited = once(shell, "exit");
  shell.kill("SIGKILL");
  await exited;
  const deadline = performance.now() + 60_000;
  while (isAlive(pid)) {
    assert.ok(performance.now() < deadline, `process ${pid} is still running`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  const next = await serveCheckout({ dataFolder: folder.path });
  await next.stop();
  folder.remove();
});

test("kill -9 under concurrent checkouts: nothing is lost or created, and every answer stays true", async () => {
  const folder = temporaryFolder();
  const rounds = await crashProof({
    dataFolder: folder.path,
    // `npm run proof -- crash`: ten rounds of 8,000 orders.
    rounds: 3,
    ordersPerRound: 1_500,
    connections: 200,
    random: Math.random,
  });
  assert.deepEqual(
    rounds.flatMap((round) => round.findings),
    [],
  );
  // The test proves something only if checkouts were really interrupted.
  assert.ok(rounds.every((round) => round.unanswered > 0 && round.reportedPaid > 0));
  const report = execFileSync(process.execPath, [command, "audit", "--data", folder.path, "--json"], {
    encoding: "utf8",
  });
  const audited = JSON.parse(report) as { findings: unknown[]; unfinished: number; stock: { held: number } };
  assert.deepEqual([audited.findings, audited.unfinished, audited.stock.held], [[], 0, 0]);
  folder.remove();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// Where binaries come from, and the error when they are not available.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { after, test } from "node:test";
import { TemporaryFolder } from "../test-kit/temporary-folder.ts";
import { adopt, serverBinary, type ServerName, ServerUnavailable } from "./server-binary.ts";

const folder = new TemporaryFolder();
let folders = 0;

after(() => folder.remove());

function newFolder(): string {
  folders += 1;
  const path = join(folder.path, String(folders));
  mkdirSync(path);
  return path;
}

function writeScript(path: string, lines: readonly string[]): void {
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
}

function isUnavailable(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ServerUnavailable);
    assert.equal(error.code, "server_unavailable");
    assert.match(error.message, pattern);
    return true;
  };
}

test("each server has a binary that runs", async () => {
  for (const name of ["redis-server", "nats-server", "haproxy", "postgres"] satisfies ServerName[]) {
    const binary = await serverBinary(name);
    assert.ok(isAbsolute(binary), binary);
    const { stdout, stderr } = spawnSync(binary, [name === "haproxy" ? "-v" : "--version"], { encoding: "utf8" });
    assert.match(`${stdout}${stderr}`, /\d+\.\d+/, name);
  }
});

test("the PATH takes precedence over the cache, and a file that cannot be run is ignored", async () => {
  const [first, second, cacheFolder] = [newFolder(), newFolder(), newFolder()];
  writeFileSync(join(first, "nats-server"), "");
  writeScript(join(second, "nats-server"), []);
  assert.equal(await serverBinary("nats-server", { path: [first, second], cacheFolder }), join(second, "nats-server"));
  assert.deepEqual(readdirSync(cacheFolder), []);
});

test("without apt the error names what to install, and nothing is left behind", async () => {
  const cacheFolder = newFolder();
  const search = { path: [newFolder()], cacheFolder };
  await assert.rejects(
    serverBinary("redis-server", search),
    isUnavailable(/apt-get.* is missing.* Install Redis 7 or later/),
  );
  assert.deepEqual(readdirSync(cacheFolder), []);
});

/** A machine whose apt has the packages `<server>` and `lib`, made of one script and one library. */
function machineWithPackages(): { readonly path: readonly string[]; readonly cacheFolder: string; asked(): string } {
  const tools = newFolder();
  const asked = join(tools, "asked");
  writeScript(join(tools, "apt-get"), [
    `echo "$@" >> ${asked}`,
    'case "$*" in',
    `  *simulate*) test -e ${tools}/updated || { echo "E: no such package" >&2; exit 100; }`,
    '    printf "Inst libfake (1 x)\\nInst libc6 [1] (2 x)\\nInst nats-server (1 x)\\nConf nats-server (1 x)\\n" ;;',
    `  *update*) touch ${tools}/updated ;;`,
    "  *download*) touch nats-server_1.deb libfake_1.deb ;;",
    "esac",
  ]);
  writeScript(join(tools, "dpkg"), [
    'case "$2" in',
    '  */nats-server_1.deb) mkdir -p "$3/usr/sbin"',
    '    printf \'#!/bin/sh\\ncat "$LD_LIBRARY_PATH/libfake.so.1"\\n\' > "$3/usr/sbin/nats-server"',
    '    chmod +x "$3/usr/sbin/nats-server" ;;',
    '  *) mkdir -p "$3/usr/lib/fake" && echo "the library" > "$3/usr/lib/fake/libfake.so.1" ;;',
    "esac",
  ]);
  return { path: [tools], cacheFolder: newFolder(), asked: () => readFileSync(asked, "utf8") };
}

test("a package is unpacked once, with missing libraries, using its own package lists if necessary", async () => {
  const machine = machineWithPackages();
  const binaries = await Promise.all([1, 2, 3].map(() => serverBinary("nats-server", machine)));
  const binary = join(machine.cacheFolder, "nats-server", "nats-server");
  assert.deepEqual([...new Set(binaries)], [binary]);
  assert.equal(spawnSync(binary, { encoding: "utf8" }).stdout, "the library\n");
  assert.deepEqual(readdirSync(machine.cacheFolder), ["nats-server"], "nothing else is left");
  const downloads = machine
    .asked()
    .split("\n")
    .filter((line) => line.includes(" download "));
  assert.equal(downloads.length, 1);
  assert.match(downloads[0] ?? "", / nats-server libfake$/, "never the C library");
});

test("PostgreSQL is unpacked with initdb, and without optional packages", async () => {
  const [tools, cacheFolder] = [newFolder(), newFolder()];
  writeScript(join(tools, "apt-get"), [
    `echo "$@" >> ${join(tools, "asked")}`,
    'case "$*" in',
    '  *simulate*) printf "Inst libllvm14 (1 x)\\nInst postgresql-15 (1 x)\\n" ;;',
    "  *) touch postgresql-15.deb ;;",
    "esac",
  ]);
  writeScript(join(tools, "dpkg"), [
    'mkdir -p "$3/usr/lib/postgresql/15/bin"',
    "for name in postgres initdb; do",
    '  file="$3/usr/lib/postgresql/15/bin/$name"; printf "#!/bin/sh\\necho $name\\n" > "$file"; chmod +x "$file"',
    "done",
  ]);
  const binary = await serverBinary("postgres", { path: [tools], cacheFolder });
  assert.equal(spawnSync(binary, { encoding: "utf8" }).stdout, "postgres\n");
  assert.equal(spawnSync(join(dirname(binary), "initdb"), { encoding: "utf8" }).stdout, "initdb\n");
  assert.match(readFileSync(join(tools, "asked"), "utf8"), /download postgresql postgresql-15\n/);
});

test("a package that is missing in the archive, or that does not run, is not used", async () => {
  const machine = machineWithPackages();
  await assert.rejects(serverBinary("haproxy", machine), isUnavailable(/contains no haproxy.* Install HAProxy 2.6/));
  writeScript(join(machine.path[0] ?? "", "apt-get"), ['echo "E: Unable to locate" >&2', "exit 100"]);
  await assert.rejects(serverBinary("nats-server", machine), isUnavailable(/Unable to locate.* Install NATS 2.9/));
  assert.deepEqual(readdirSync(machine.cacheFolder), []);
});

test("a cached binary that no longer runs is obtained again", async () => {
  const machine = machineWithPackages();
  const cached = join(machine.cacheFolder, "nats-server");
  mkdirSync(cached);
  writeScript(join(cached, "nats-server"), ["exit 1"]);
  const binary = await serverBinary("nats-server", machine);
  assert.equal(spawnSync(binary, { encoding: "utf8" }).stdout, "the library\n");
  assert.deepEqual(readdirSync(machine.cacheFolder), ["nats-server"]);
});

test("of two processes that complete the same folder, the first one's folder is kept", () => {
  const parent = newFolder();
  const place = join(parent, "place");
  const isUsable = (): boolean => existsSync(join(place, "file"));
  for (const name of ["first", "second"]) {
    mkdirSync(join(parent, name));
    writeFileSync(join(parent, name, "file"), name);
    adopt(join(parent, name), place, isUsable);
  }
  assert.equal(readFileSync(join(place, "file"), "utf8"), "first");
});

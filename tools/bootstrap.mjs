// Prepares a fresh checkout: installs the locked packages when they are missing or stale.
// Plain JavaScript without dependencies, because it runs before anything is installed and on any Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lockHash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stampFile = join(root, "node_modules", ".assent-lock-hash");
const nodeMinimum = [24, 11];
/** The Node that comes with the packages, first on the PATH of npm scripts; ASSENT_NODE=system takes it away. */
const packagedNode = join(root, "node_modules", ".bin", "node");

install();
if (process.env["ASSENT_NODE"] === "system") rmSync(packagedNode, { force: true });
checkNode();

function install() {
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === lockHash) return;
  console.log("assent: installing the locked packages (npm ci --ignore-scripts), once per lock file …");
  const run = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
  });
  if (run.status !== 0) {
    console.error(
      "assent: npm ci failed. Nothing was started. Check the network and the registry, then run this again.",
    );
    process.exit(1);
  }
  writeFileSync(stampFile, lockHash);
}

// The scripts that follow use the first `node` on the PATH: node_modules/.bin/node where the optional
// package for this platform was installed, else the machine's own.
function checkNode() {
  const run = spawnSync("node", ["-p", "process.versions.node"], { encoding: "utf8" });
  const version = (run.stdout ?? "").trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > nodeMinimum[0] || (major === nodeMinimum[0] && minor >= nodeMinimum[1])) return;
  console.error(
    `assent: Node ${nodeMinimum.join(".")} or later is needed, and this is ${version || "none"}. ` +
      "On Linux x64 and arm64 it comes with the packages; elsewhere install it (see .node-version).",
  );
  process.exit(1);
}

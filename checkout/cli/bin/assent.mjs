#!/usr/bin/env node
// Plain JavaScript, so that an old Node can still print what is missing.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 24 || (major === 24 && minor >= 11)) {
  const [, , command = "serve"] = process.argv;
  if (command === "serve" || command.startsWith("-")) {
    const { replaceProcess } = await import("./serving-process.mjs");
    replaceProcess();
  }
  const { main } = await import("../src/main.ts");
  await main(process.argv);
} else {
  process.stderr.write(
    `assent needs Node 24.11 or later; this is ${process.versions.node}. In the project's folder, ` +
      "`npx assent` uses the Node that the packages include (Linux x64 and arm64).\n",
  );
  process.exitCode = 1;
}

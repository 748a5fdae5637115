// `npm run proof -- runtimes`: the packages on every runtime, and under every compiler, that users may have. Writes
// docs/reference/runtimes.md. Exit code 1 when something fails or a limit is exceeded.
import { commandOptions, countOption } from "@assent/topology";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, filesOf, type InstalledSize } from "./installed-size.ts";
import { PackedPackages, repository } from "./packed-packages.ts";
import { compiledFolder, type RuntimeTrial, tryRuntime } from "./runtime-trial.ts";
import { type CompilerTrial, type Proof, problemsOf, reportOf } from "./runtimes-report.ts";
import { obtainTypescript, runtimes, typescriptVersions } from "./runtimes.ts";
import { addStartPrograms } from "./start-costs.ts";
import { UserProject } from "./user-project.ts";

const reportPath = "docs/reference/runtimes.md";

const { rounds } = commandOptions({
  command: "npm run proof -- runtimes",
  about: `Installs the packed packages and uses them on every runtime; writes ${reportPath}.`,
  options: { rounds: countOption(11, "starts of each kind that are measured on a runtime") },
});

const packed = new PackedPackages();
try {
  const proof = prove(packed);
  writeFileSync(join(repository, reportPath), reportOf(proof));
  const problems = problemsOf(proof);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${problems.length === 0 ? "all limits kept" : "FAILED"}; written: ${reportPath}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  packed.remove();
}

function prove({ folder, all }: PackedPackages): Proof {
  const project = new UserProject(join(folder, "project"));
  project.installWithPrograms(all);
  const library = all.find(({ manifest: { name } }) => name === "assent")?.manifest.exports ?? {};
  const doors = Object.keys(library).filter((path) => !path.includes("/internal/"));
  addStartPrograms(
    project,
    doors.map((path) => `assent${path.slice(1)}`),
  );
  const files = ["trip.ts", "kept.ts", "all.ts"];
  project.typeCheck({ files, resolution: "nodenext", withNode: true, outDir: compiledFolder });
  const tripOutput = project.run(process.execPath, [join(repository, "examples/trip/trip.ts")]);
  const trials: RuntimeTrial[] = [];
  for (const runtime of runtimes) {
    process.stderr.write(`${runtime.name} ${runtime.version} …\n`);
    trials.push(tryRuntime(runtime, { project, tripOutput, rounds }));
  }
  return { rounds, trials, compilers: tryCompilers(project), sizes: sizesOf(project, all) };
}

function tryCompilers(project: UserProject): readonly CompilerTrial[] {
  return typescriptVersions.flatMap((version) =>
    (["nodenext", "bundler"] as const).map((resolution) => {
      process.stderr.write(`TypeScript ${version}, ${resolution} …\n`);
      try {
        const compiler = obtainTypescript(version);
        project.typeCheck({ files: ["all.ts", ...project.programs], resolution, withNode: true, compiler });
        project.typeCheck({ files: ["library.ts"], resolution, withNode: false, compiler });
        return { version, resolution, problem: undefined };
      } catch (error) {
        return { version, resolution, problem: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

function sizesOf(project: UserProject, all: PackedPackages["all"]): readonly InstalledSize[] {
  return all.map(({ manifest: { name, dependencies = {} }, tarball }) => ({
    name,
    files: filesOf(project.installed(name)).length,
    bytes: bytesOf(project.installed(name)),
    packedBytes: statSync(tarball).size,
    dependencies: Object.keys(dependencies),
  }));
}

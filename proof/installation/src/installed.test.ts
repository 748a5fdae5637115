// The packages as a user gets them: packed, installed in an empty folder without a network, run and type-checked.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { filesOf } from "./installed-size.ts";
import { type PackedPackage, PackedPackages, readManifest, repository } from "./packed-packages.ts";
import { recordFile, recordOf } from "./public-types-record.ts";
import { UserProject } from "./user-project.ts";

const packed = new PackedPackages();
after(() => {
  packed.remove();
});
const project = new UserProject(join(packed.folder, "project"));
before(() => {
  project.installWithPrograms(packed.all);
});

const node = process.execPath;
const isLibrary = ({ manifest: { name } }: PackedPackage): boolean => name === "assent";

test("the library is installed by itself, and depends on nothing", () => {
  const empty = new UserProject(join(packed.folder, "empty"));
  empty.install(packed.all.filter(isLibrary));
  const listed = JSON.parse(empty.run("npm", ["ls", "--all", "--omit=dev", "--json"])) as {
    dependencies: Record<string, { dependencies?: object }>;
  };
  assert.deepEqual(Object.keys(listed.dependencies), ["assent"]);
  assert.equal(listed.dependencies["assent"]?.dependencies, undefined);
});

test("all packages are installed over one copy of the library", () => {
  assert.ok(packed.all.length >= 5 && packed.all.some(isLibrary));
  for (const { manifest } of packed.all) {
    assert.equal(readManifest(project.installed(manifest.name)).version, manifest.version);
    assert.ok(
      !existsSync(join(project.installed(manifest.name), "node_modules")),
      `${manifest.name} has its own copies`,
    );
  }
});

test("a package holds its manifest, README, licence, compiled files and types, and nothing else", () => {
  const expected = /^(README\.md|LICENSE|package\.json|lib\/(?!.*\.test\.).*(\.js|\.d\.ts)|.*\.sql)$/;
  for (const { manifest } of packed.all) {
    const files = filesOf(project.installed(manifest.name));
    assert.deepEqual(
      files.filter((file) => !expected.test(file)),
      [],
      manifest.name,
    );
    for (const file of ["README.md", "LICENSE", "package.json"])
      assert.ok(files.includes(file), `${manifest.name}: ${file}`);
    for (const file of manifest.files ?? []) assert.ok(existsSync(join(project.installed(manifest.name), file)), file);
    const fields = Object.keys(readManifest(project.installed(manifest.name)));
    for (const field of ["engines", "exports", "license", "repository", "type"])
      assert.ok(fields.includes(field), field);
  }
});

test("no package names a source file, or a path of the machine that built it", () => {
  for (const { manifest } of packed.all) {
    for (const file of filesOf(project.installed(manifest.name))) {
      const where = `${manifest.name}/${file}`;
      const text = readFileSync(join(project.installed(manifest.name), file), "utf8");
      for (const path of [repository, packed.folder]) assert.ok(!text.includes(path), `${where} has ${path}`);
      if (file.startsWith("lib/")) assert.doesNotMatch(text, /(from |import\()["']\.[^"'\n]*\.ts["']/, where);
    }
  }
});

test("what each package makes public is as it was reviewed", () => {
  for (const each of packed.all) {
    const path = join(repository, each.source, recordFile);
    const recorded = existsSync(path) ? readFileSync(path, "utf8") : "";
    const { text } = recordOf(each, project.installed(each.manifest.name));
    assert.equal(text, recorded, `${each.source}/${recordFile} differs: run npm run public-types, and review it`);
  }
});

test("the trip runs from the installed package as it does here", () => {
  const expected = project.run(node, [join(repository, "examples/trip/trip.ts")]);
  assert.match(expected, /committed/);
  assert.equal(project.run(node, ["trip.ts"]), expected);
});

test("a file of the installed SQLite package keeps what was written", () => {
  assert.equal(project.run(node, ["kept.ts", "kept.db"]), "kept 4\n");
});

test("the installed Postgres package has its statements", () => {
  assert.equal(project.run(node, ["schema.ts"]), "true\n");
});

test("every module that a package exports loads", () => {
  assert.ok(Number(project.run(node, ["all.ts"])) >= packed.all.length);
});

for (const resolution of ["nodenext", "bundler"] as const) {
  test(`a user's tsc accepts the types of all packages, and finds a mistake with them (${resolution})`, () => {
    project.typeCheck({ files: ["all.ts", ...project.programs], resolution, withNode: true });
  });
}

test("a user's tsc accepts the library without the types of Node", () => {
  project.typeCheck({ files: ["library.ts"], resolution: "nodenext", withNode: false });
});

// `npm run public-types`: writes what each package makes public, after a change that was meant. Refuses new names that
// no document mentions; `-- --undocumented` lists them in the record instead, for a change whose document follows.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PackedPackages, repository } from "./packed-packages.ts";
import { recordFile, recordOf, undocumentedIn } from "./public-types-record.ts";

const { values } = parseArgs({ options: { undocumented: { type: "boolean", default: false } } });

const packed = new PackedPackages();
try {
  for (const each of packed.all) {
    const path = join(repository, each.source, recordFile);
    const { text, undocumented } = recordOf(each, each.built);
    const known = new Set(existsSync(path) ? undocumentedIn(readFileSync(path, "utf8")) : []);
    const added = undocumented.filter((name) => !known.has(name));
    if (added.length > 0 && !values.undocumented) {
      process.stderr.write(
        `${each.manifest.name} exports names that no document mentions: ${added.join(", ")}. ` +
          `Its record was not written. Document them in ${each.source}/README.md, or do not export them.\n`,
      );
      process.exitCode = 1;
      continue;
    }
    writeFileSync(path, text);
    process.stdout.write(`${each.source}/${recordFile}: ${undocumented.length} names not documented\n`);
  }
} finally {
  packed.remove();
}

// `npm run public-types`: writes what each package makes public, after a change that was meant. Refuses names that no
// document mentions, unless they were there before.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PackedPackages, repository } from "./packed-packages.ts";
import { recordFile, recordOf, undocumentedIn } from "./public-types-record.ts";

const packed = new PackedPackages();
try {
  for (const each of packed.all) {
    const path = join(repository, each.source, recordFile);
    const { text, undocumented } = recordOf(each, each.built);
    const known = existsSync(path) ? new Set(undocumentedIn(readFileSync(path, "utf8"))) : undefined;
    const added = known === undefined ? [] : undocumented.filter((name) => !known.has(name));
    if (added.length > 0) {
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

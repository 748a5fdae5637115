// A temporary folder for one test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TemporaryFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "assent-servers-"));

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

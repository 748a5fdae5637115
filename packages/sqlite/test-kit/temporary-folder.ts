// Folders of one test, and what a crash would leave of a store's file in them.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), "assent-store-"));
  #files = 0;

  /** A name that nothing has yet. */
  file(): string {
    this.#files += 1;
    return join(this.path, `store-${this.#files}.db`);
  }

  /**
   * Copies the file of an open store as a crash would leave it, with the last `lostBytes` of SQLite's log missing.
   * SQLite's log holds the commits in order; the file itself is only written from it.
   */
  crashed(path: string, lostBytes = 0): string {
    const copy = this.file();
    copyFileSync(path, copy);
    const log = logOf(path);
    writeFileSync(`${copy}-wal`, log.subarray(0, Math.max(0, log.length - lostBytes)));
    return copy;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The bytes of SQLite's log beside a store's file. */
export function logOf(path: string): Uint8Array {
  return existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`) : new Uint8Array();
}

// Plants a bug: one guard of the real sources is patched while they are loaded, in this thread only, before anything of
// the world is imported. Nothing of it exists in what is published.
import { registerHooks } from "node:module";
import type { WorldName } from "../swarm.ts";

export interface PlantedBug {
  readonly id: string;
  /** The rule whose guard is taken away. */
  readonly rule: string;
  readonly what: string;
  /** The only world that reaches the guard, if there is one. */
  readonly world?: WorldName;
  /** More than one where a second guard would hide that the first is gone. */
  readonly edits: readonly Edit[];
}

export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly guard: string;
  readonly instead: string;
}

/** A patch that does not fit the sources any more. `code` is stable. */
export class PatchDoesNotFit extends Error {
  readonly code = "patch_does_not_fit";

  constructor({ file, guard }: Edit, times: number) {
    super(`a planted bug's guard occurs ${times} times in ${file}, not once. Write the patch anew: ${guard}`);
    this.name = "PatchDoesNotFit";
  }
}

const root = new URL("../../../../", import.meta.url).href;

/** Answers a function that throws unless the patched file has been loaded. @throws {PatchDoesNotFit} while loading */
export function plant(bug: PlantedBug): () => void {
  const missing = new Set(bug.edits.map(({ file }) => file));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = bug.edits.filter(({ file }) => url === root + file);
      if (edits.length === 0) return loaded;
      for (const { file } of edits) missing.delete(file);
      return { ...loaded, source: edits.reduce((source, edit) => patched(edit, source), textOf(loaded.source)) };
    },
  });
  return () => {
    if (missing.size > 0) throw new Error(`planted bug ${bug.id}: never loaded: ${[...missing].join(", ")}`);
  };
}

/** @throws {PatchDoesNotFit} */
export function patched(edit: Edit, source: string): string {
  const times = source.split(edit.guard).length - 1;
  if (times !== 1) throw new PatchDoesNotFit(edit, times);
  return source.replace(edit.guard, () => edit.instead);
}

function textOf(source: unknown): string {
  if (typeof source === "string") return source;
  return new TextDecoder().decode(source as Uint8Array);
}

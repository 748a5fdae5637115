// Applies a mutant: patches one guard of the real sources while they are loaded, in this thread only, before the
// simulation is imported. The published packages contain nothing of it.
import { registerHooks } from "node:module";
import type { WorldName } from "../swarm.ts";

export interface Mutant {
  readonly id: string;
  /** The rule whose guard is removed. */
  readonly rule: string;
  readonly what: string;
  /** The only world that reaches the guard, if there is one. */
  readonly world?: WorldName;
  /** Several, if a second guard would hide that the first is missing. */
  readonly edits: readonly Edit[];
}

export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly guard: string;
  readonly instead: string;
}

/** A patch no longer fits the sources. `code` is stable. */
export class PatchDoesNotFit extends Error {
  readonly code = "patch_does_not_fit";

  constructor({ file, guard }: Edit, times: number) {
    super(`the guard of a mutant occurs ${times} times in ${file}, not once. Update the mutant: ${guard}`);
    this.name = "PatchDoesNotFit";
  }
}

const root = new URL("../../../../", import.meta.url).href;

/** Returns a function that throws unless the patched files were loaded. @throws {PatchDoesNotFit} while loading */
export function applyMutant(mutant: Mutant): () => void {
  const missing = new Set(mutant.edits.map(({ file }) => file));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = mutant.edits.filter(({ file }) => url === root + file);
      if (edits.length === 0) return loaded;
      for (const { file } of edits) missing.delete(file);
      return { ...loaded, source: edits.reduce((source, edit) => patched(edit, source), textOf(loaded.source)) };
    },
  });
  return () => {
    if (missing.size > 0) throw new Error(`mutant ${mutant.id}: never loaded: ${[...missing].join(", ")}`);
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

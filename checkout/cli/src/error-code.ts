// The stable code of an error: what an error is matched by, wherever it was made.

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** No room to write: in a store, or for a file. */
export function isOutOfSpace(error: unknown): boolean {
  return ["store_full", "ENOSPC"].includes(errorCode(error) ?? "");
}

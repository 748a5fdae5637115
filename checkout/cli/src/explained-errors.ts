// Errors whose message is all that a person needs: it says what happened and what to do. Of any other the stack is
// shown, because it is a fault of this program.

const explained: ReadonlySet<string> = new Set([
  // What is needed to start cannot be had
  "invalid_settings",
  "data_folder_in_use",
  "data_folder_unusable",
  "cannot_listen",
  "stores_do_not_belong_together",
  "start_not_recorded",
  // Data that cannot be read
  "no_such_data",
  "data_unreadable",
  "no_such_transaction",
  "backup_failed",
  "books_moved",
  // Servers
  "nothing_runs",
  "database_unreachable",
  "database_unreadable",
  "too_little_durability",
  "nats_unavailable",
  "server_not_started",
  "server_unavailable",
  "server_unreachable",
  "unsuitable_server",
]);

export function isExplained(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" && explained.has(error.code);
}

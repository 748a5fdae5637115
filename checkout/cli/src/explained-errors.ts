// Errors that are printed as their message, which reports what happened and what to do. All other errors are printed
// with their stack, because they are bugs.
import { errorCode } from "./error-code.ts";

const explained: ReadonlySet<string> = new Set([
  // Something needed for the start is missing
  "invalid_settings",
  "data_folder_in_use",
  "data_folder_unusable",
  "cannot_listen",
  "stores_do_not_belong_together",
  "start_not_recorded",
  // Unreadable data
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
  return explained.has(errorCode(error) ?? "");
}

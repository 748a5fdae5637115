/** What is needed to start cannot be had. The message says what to change. `code` is stable. */
export class CannotStart extends Error {
  readonly code:
    | "data_folder_unusable"
    | "cannot_listen"
    | "database_unreachable"
    | "too_little_durability"
    | "stores_do_not_belong_together";

  constructor(code: CannotStart["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotStart";
    this.code = code;
  }
}

/** Of a folder that cannot be made, or whose files cannot be opened. */
export function unusableFolder(path: string, cause: unknown): CannotStart {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message =
    `${path} cannot be used for the data (${why}). Nothing was started. ` +
    "Name a folder that is new, or from an earlier run, and can be written (--data, or ASSENT_DATA).";
  return new CannotStart("data_folder_unusable", message, { cause });
}

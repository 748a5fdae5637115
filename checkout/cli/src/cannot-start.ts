/** Something needed for the start is missing. The message says what to change. `code` is stable. */
export class CannotStart extends Error {
  readonly code:
    | "data_folder_unusable"
    | "cannot_listen"
    | "database_unreachable"
    | "too_little_durability"
    | "stores_do_not_belong_together"
    | "start_not_recorded";

  constructor(code: CannotStart["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotStart";
    this.code = code;
  }
}

/** For a folder that cannot be created, or whose files cannot be opened. */
export function unusableFolder(path: string, cause: unknown): CannotStart {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message =
    `${path} cannot be used as data folder (${why}). Nothing was started. ` +
    "Choose a new folder, or one of an earlier run, that is writable (--data, or ASSENT_DATA).";
  return new CannotStart("data_folder_unusable", message, { cause });
}

export interface ForeignStores {
  readonly place: string;
  readonly problems: readonly string[];
  /** Instructions, one per line. */
  readonly remedy: readonly string[];
}

/** For stores that do not belong together, checked before they are used. */
export function doNotBelongTogether({ place, problems, remedy }: ForeignStores): CannotStart {
  const message = [
    `The stores in ${place} do not belong together. Nothing was started, and no record was changed.`,
    ...problems.map((problem) => `  ${problem}`),
    ...remedy,
  ];
  return new CannotStart("stores_do_not_belong_together", message.join("\n"));
}

/** What is needed to start cannot be had. The message says what to change. `code` is stable. */
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

/** Of a folder that cannot be made, or whose files cannot be opened. */
export function unusableFolder(path: string, cause: unknown): CannotStart {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message =
    `${path} cannot be used for the data (${why}). Nothing was started. ` +
    "Name a folder that is new, or from an earlier run, and can be written (--data, or ASSENT_DATA).";
  return new CannotStart("data_folder_unusable", message, { cause });
}

export interface ForeignStores {
  readonly place: string;
  readonly problems: readonly string[];
  /** What to do, in lines. */
  readonly remedy: readonly string[];
}

/** Of stores that do not belong together, looked at before anything used them. */
export function doNotBelongTogether({ place, problems, remedy }: ForeignStores): CannotStart {
  const message = [
    `The stores in ${place} do not belong together. Nothing was started, and no record was changed.`,
    ...problems.map((problem) => `  ${problem}`),
    ...remedy,
  ];
  return new CannotStart("stores_do_not_belong_together", message.join("\n"));
}

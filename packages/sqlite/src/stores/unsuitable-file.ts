/** A file cannot be used as a store. `code` is stable. Nothing was changed. */
export class UnsuitableFile extends Error {
  readonly code = "unsuitable_file";

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} cannot be used: ${reason}`, options);
    this.name = "UnsuitableFile";
  }
}

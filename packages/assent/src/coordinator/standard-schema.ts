// The part of Standard Schema (standardschema.dev, version 1) that this library reads. Any validator that speaks it
// (zod, valibot, arktype and others) can describe the input of a transaction.

export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** Thrown where an input does not fit its schema, or the schema cannot answer at once. `code` is stable. */
export class InvalidInput extends Error {
  readonly code = "invalid_input";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvalidInput";
  }
}

/** @throws {InvalidInput} */
export function parseInput<Output>(schema: StandardSchema<Output>, value: unknown): Output {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    // A late answer is not used, so its error is not reported either.
    result.then(undefined, () => undefined);
    throw new InvalidInput("the input schema is asynchronous; it must answer at once");
  }
  if (result.issues !== undefined) throw new InvalidInput(result.issues.map((issue) => issue.message).join("; "));
  return result.value;
}

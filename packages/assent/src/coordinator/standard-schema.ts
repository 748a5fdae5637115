// The part of Standard Schema (standardschema.dev, version 1) that this library reads. Any validator that speaks it
// (zod, valibot, arktype and others) can describe the input of a transaction.

export interface StandardSchema<Output, Input = Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** What a schema takes: `{ n?: number }` where `n` has a default. */
export type SchemaInput<Schema> = Schema extends StandardSchema<infer _Output, infer Input> ? Input : never;
/** What a schema returns: `{ n: number }` where `n` has a default. */
export type SchemaOutput<Schema> = Schema extends StandardSchema<infer Output, infer _Input> ? Output : never;

/** Thrown where an input does not fit its schema, or the schema cannot answer at once. `code` is stable. */
export class InvalidInput extends Error {
  readonly code = "invalid_input";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvalidInput";
  }
}

/** @throws {InvalidInput} */
export function parseInput<Output>(schema: StandardSchema<Output, unknown>, value: unknown): Output {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    // A late answer is not used, so its error is not reported either.
    result.then(undefined, () => undefined);
    throw new InvalidInput("the input schema is asynchronous; it must answer at once");
  }
  if (result.issues !== undefined) throw new InvalidInput(result.issues.map((issue) => issue.message).join("; "));
  return result.value;
}

// Removes secrets from all printed text: settings, errors and logs.
import { inspect } from "node:util";

const hidden = "(hidden)";

/** Hides credentials in addresses, up to the last @ of one, and the values of their queries. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/:\/\/[^\s/?#,"'`]*@/g, `://${hidden}@`)
    .replaceAll(/(?<=:\/\/[^\s,"'`]*[?&][^\s=&#,"'`]*=)[^\s&#,"'`]*/g, hidden);
}

/** An error as a log shows it, with its causes and without secrets. */
export function shownError(error: unknown): string {
  return withoutSecrets(typeof error === "string" ? error : inspect(error));
}

// Names of keys, accounts, services, partitions, definitions, steps and transactions. A lone surrogate has no UTF-8
// form of its own, so a store or a bus would take two names that differ in one for the same name.
import { defaultLimits } from "./limits.ts";

/** What is wrong with a name, as the end of a sentence that begins with the name; undefined when it is valid. */
export function faultOfName(name: unknown, lengthMax: number = defaultLimits.idLengthMax): string | undefined {
  if (typeof name !== "string") return "is not a text";
  if (name.length === 0) return "is empty";
  if (name.length > lengthMax) return `has ${name.length} characters, limit ${lengthMax}`;
  return name.isWellFormed() ? undefined : "is not well-formed Unicode: it has half of a surrogate pair";
}

/** Well-formed Unicode of 1 to `idLengthMax` UTF-16 units. */
export function isName(name: unknown): name is string {
  return faultOfName(name) === undefined;
}

// The name by which a gateway and the instances of one topology know each other, so that none of them takes an instance
// of another system for its own when that one has got its port. It is not secret: it follows from the password of the
// topology's folder, which it does not reveal.
import { createHash } from "node:crypto";
import { keptSecret } from "./kept-secret.ts";

const nameLength = 16;

/** The same for every start on the same folder. */
export function systemName(folder: string): string {
  return createHash("sha256")
    .update(`system ${keptSecret(folder)}`)
    .digest("hex")
    .slice(0, nameLength);
}

// The name by which a gateway and the instances of one topology recognise each other, so that an instance of another
// system on the same port is not taken for their own. It is not secret: it is derived from the password of the
// topology's folder and does not reveal it.
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

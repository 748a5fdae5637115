// Ownership of a key: it belongs to one definition, and to the content that its row was made with.
import type { BeginRequest, BeginResult, Row } from "./transaction-log.ts";

/**
 * The answer to a request for a key that it does not own, given before any other check and for every outcome: a caller
 * with another definition or other content must not get the outcome of a different request.
 */
export function foreignTo(
  row: Row,
  { definition, create }: Pick<BeginRequest, "definition" | "create">,
): Extract<BeginResult, { kind: "key_reused" | "unmet" }> | undefined {
  if (row.definition !== undefined && row.definition !== definition) {
    return { kind: "key_reused", definition: row.definition };
  }
  return create !== undefined && create.incarnation !== row.incarnation ? { kind: "unmet", row } : undefined;
}

// Whose a key is: it belongs to one definition, and to the content that its row was made with.
import type { BeginRequest, BeginResult, Row } from "./ports/transaction-log.ts";

/**
 * What a request for a key hears that is not its own, before anything else and whatever became of the key: who comes
 * with another definition or other content must not hear the outcome of what somebody else asked for.
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

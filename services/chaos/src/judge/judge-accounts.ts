// S2 and S3 in the databases, account by account, and what the accounts have spent against what was paid for.
import type { OrderFields } from "@assent/order";
import { type Participant, type ParticipantBooks, participants, type StoreBooks } from "./store-books.ts";

export function judgeAccounts(books: StoreBooks): readonly string[] {
  const due = boughtBy(books);
  return participants.flatMap((service) => judgeService(service, books[service], due[service]));
}

function judgeService(
  service: Participant,
  { accounts }: ParticipantBooks,
  due: ReadonlyMap<string, number>,
): readonly string[] {
  const findings: string[] = [];
  for (const [id, account] of accounts) {
    const { available, held, spent, deposited, withdrawn } = account;
    const parts = { available, held, spent, deposited, withdrawn };
    const name = `${service} account ${id}`;
    for (const [part, amount] of Object.entries(parts)) {
      if (!(Number.isSafeInteger(amount) && amount >= 0)) findings.push(`S3: ${name} has ${amount} ${part}`);
    }
    if (deposited !== available + held + spent + withdrawn) {
      findings.push(`S2: ${name} does not add up: ${JSON.stringify(parts)}`);
    }
    if (held !== 0) findings.push(`S7: ${name} holds ${held} for nobody`);
    const paid = due.get(id) ?? 0;
    if (spent !== paid) findings.push(`S2: ${name} has spent ${spent}, and the paid orders are worth ${paid}`);
  }
  for (const [id, amount] of due) {
    if (!accounts.has(id)) findings.push(`S2: orders were paid with ${amount} of ${service} account ${id}: it is gone`);
  }
  return findings;
}

type Bought = Readonly<Record<Participant, ReadonlyMap<string, number>>>;

/** What the paid orders took, by item and by user. */
function boughtBy({ rows }: StoreBooks): Bought {
  const bought = { stock: new Map<string, number>(), payment: new Map<string, number>() };
  const add = (of: Map<string, number>, id: string, amount: number): void =>
    void of.set(id, (of.get(id) ?? 0) + amount);
  for (const { outcome, fields } of rows.values()) {
    if (outcome !== "committed") continue;
    const { user, items, total } = fields as unknown as OrderFields;
    for (const [item, quantity] of items) add(bought.stock, item, quantity);
    if (total > 0) add(bought.payment, user, total);
  }
  return bought;
}

// S2, S3 on every account, at each commit, with separate arithmetic, not the ledger's.
import type { Account } from "assent/ledger";
import type { Report } from "./violation.ts";

export function checkAccount(name: string, account: Account, report: Report): void {
  const { available, held, spent, deposited, withdrawn } = account;
  const parts = { available, held, spent, deposited, withdrawn };
  for (const [part, amount] of Object.entries(parts)) {
    if (!Number.isSafeInteger(amount) || amount < 0) report({ rule: "S3", text: `${name}: ${part} is ${amount}` });
  }
  if (deposited !== available + held + spent + withdrawn) {
    report({ rule: "S2", text: `${name} does not add up: ${JSON.stringify(parts)}` });
  }
}

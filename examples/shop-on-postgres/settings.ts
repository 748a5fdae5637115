// What each process reads from its environment.
import type { HttpCredentials } from "assent/http";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`set ${name}; start.ts does`);
  return value;
}

export const databaseUrl: string = setting("DATABASE_URL");
/** The same secret in all processes: their messages are signed with it. */
export const credentials: HttpCredentials = { secret: setting("SHOP_SECRET") };
export const urls = {
  orders: new URL(setting("ORDERS_URL")),
  stock: new URL(setting("STOCK_URL")),
  payment: new URL(setting("PAYMENT_URL")),
};

// `npx node examples/shop-on-postgres/start.ts`: starts the shop, and stops it with Ctrl-C.
import { once } from "node:events";
import { Shop } from "./shop.ts";

const shop = await Shop.start(process.env["DATABASE_URL"]);
const { urls, processes, databaseUrl } = shop;
console.log(`database  ${databaseUrl}
orders    ${urls.orders}  process ${processes.orders.pid}
stock     ${urls.stock}  process ${processes.stock.pid}
payment   ${urls.payment}  process ${processes.payment.pid}

try it    curl -s -X PUT ${urls.orders}/orders/1 -d '{"customer":"ann","item":"lamp","quantity":2}'
stop it   Ctrl-C`);

// Its processes alone do not keep this one alive.
const awake = setInterval(() => undefined, 60_000);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
clearInterval(awake);
await shop.stop();

// The payment process. It charges at once, and refunds when the order is not decided in its favour.
import { postgres } from "@assent/postgres";
import { serve } from "assent";
import { http } from "assent/http";
import { once } from "node:events";
import { createServer } from "node:http";
import { Pool } from "pg";
import { payment } from "./contract.ts";
import { credentials, databaseUrl, urls } from "./settings.ts";

const pool = new Pool({ connectionString: databaseUrl });
const bus = http({ urls, credentials });

const served = await serve(
  payment,
  { store: postgres(pool, { schema: "payment" }), bus },
  {
    charge: {
      async do({ db, input: { customer, amount }, key, branch, refuse }) {
        const pay = "UPDATE payment.accounts SET balance = balance - $2 WHERE customer = $1 AND balance >= $2";
        if ((await db.query(pay, [customer, amount])).rowCount === 0) refuse("no_credit");
        const charge = "INSERT INTO payment.charges VALUES ($1, $2, $3, $4, 'charged')";
        await db.query(charge, [branch, key, customer, amount]);
      },
      async undo({ db, branch }) {
        await db.query(
          `WITH back AS (UPDATE payment.charges SET state = 'refunded' WHERE branch = $1 RETURNING customer, amount)
           UPDATE payment.accounts SET balance = balance + amount FROM back WHERE accounts.customer = back.customer`,
          [branch],
        );
      },
    },
  },
);

const server = createServer(bus.listener).listen(Number(urls.payment.port), urls.payment.hostname);
await once(process, "SIGTERM");
server.close();
await served.close();
await pool.end();

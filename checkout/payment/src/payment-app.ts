// The payment service over HTTP.
import { answerHealth, onceKey, paymentRoutes, type ReportError, serviceApp } from "@assent/contract";
import type { PaymentService } from "./payment-service.ts";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- inferred from the routes
export function paymentApp(service: PaymentService, report: ReportError) {
  const app = serviceApp(report);
  app.openapi(paymentRoutes.create, async (c) => {
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.json({ user_id: await service.create(once) }, 200);
  });
  app.openapi(paymentRoutes.seed, async (c) => {
    const { n, starting_money } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    await service.seed({ count: n, credit: starting_money }, once);
    return c.json({ msg: "Batch init for users successful" }, 200);
  });
  app.openapi(paymentRoutes.find, async (c) => {
    const { user_id } = c.req.valid("param");
    return c.json({ user_id, credit: await service.find(user_id) }, 200);
  });
  app.openapi(paymentRoutes.addFunds, async (c) => {
    const { user_id, amount } = c.req.valid("param");
    await service.addFunds(user_id, amount, onceKey(c.req.valid("header")["idempotency-key"], c.req));
    return c.json({ done: true as const }, 200);
  });
  app.openapi(paymentRoutes.pay, async (c) => {
    const { user_id, amount } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.text(`User: ${user_id} credit updated to: ${await service.pay(user_id, amount, once)}`, 200);
  });
  app.openapi(paymentRoutes.health, (c) => answerHealth(c, () => service.ping()));
  return app;
}

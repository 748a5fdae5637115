// The order service over HTTP.
import { answerHealth, onceKey, orderRoutes, Problem, type ReportError, serviceApp } from "@assent/contract";
import { comeBackAfterMs } from "assent/internal/coordinator";
import { checkoutPending, type OrderService } from "./order-service.ts";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- inferred from the routes
export function orderApp(service: OrderService, report: ReportError) {
  const app = serviceApp(report);
  app.openapi(orderRoutes.create, async (c) => {
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.json({ order_id: await service.create(c.req.valid("param").user_id, once) }, 200);
  });
  app.openapi(orderRoutes.seed, async (c) => {
    const { n, n_items, n_users, item_price } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    await service.seed({ count: n, items: n_items, users: n_users, itemPrice: item_price }, once);
    return c.json({ msg: "Batch init for orders successful" }, 200);
  });
  app.openapi(orderRoutes.find, async (c) => {
    const order = await service.find(c.req.valid("param").order_id);
    const items = order.items.map(([itemId]) => itemId);
    return c.json({ order_id: order.id, paid: order.paid, items, user_id: order.user, total_cost: order.total }, 200);
  });
  app.openapi(orderRoutes.addItem, async (c) => {
    const { order_id, item_id, quantity } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    const total = await service.addItem({ orderId: order_id, itemId: item_id, quantity }, once);
    return c.text(`Item: ${item_id} added to: ${order_id} price updated to: ${total}`, 200);
  });
  app.openapi(orderRoutes.checkout, async (c) => {
    try {
      await service.checkout(c.req.valid("param").order_id);
    } catch (error) {
      if (error instanceof Problem) throw error;
      // The transaction may have begun, so its outcome is unknown; the client can repeat the request.
      report(error, `${c.req.method} ${c.req.path}`);
      throw checkoutPending(comeBackAfterMs);
    }
    return c.text("Checkout successful", 200);
  });
  app.openapi(orderRoutes.deadLetters, async (c) => c.json(await service.parked(), 200));
  app.openapi(orderRoutes.health, (c) => answerHealth(c, () => service.ping()));
  return app;
}

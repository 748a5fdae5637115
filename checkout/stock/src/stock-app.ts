// The stock service over HTTP.
import { answerHealth, onceKey, type ReportError, serviceApp, stockRoutes } from "@assent/contract";
import type { StockService } from "./stock-service.ts";

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- inferred from the routes
export function stockApp(service: StockService, report: ReportError) {
  const app = serviceApp(report);
  app.openapi(stockRoutes.create, async (c) => {
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.json({ item_id: await service.create(c.req.valid("param").price, once) }, 200);
  });
  app.openapi(stockRoutes.seed, async (c) => {
    const { n, starting_stock, item_price } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    await service.seed({ count: n, stock: starting_stock, price: item_price }, once);
    return c.json({ msg: "Batch init for stock successful" }, 200);
  });
  app.openapi(stockRoutes.find, async (c) => {
    const { stock, price } = await service.find(c.req.valid("param").item_id);
    return c.json({ stock, price }, 200);
  });
  app.openapi(stockRoutes.add, async (c) => {
    const { item_id, amount } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.text(`Item: ${item_id} stock updated to: ${await service.add(item_id, amount, once)}`, 200);
  });
  app.openapi(stockRoutes.subtract, async (c) => {
    const { item_id, amount } = c.req.valid("param");
    const once = onceKey(c.req.valid("header")["idempotency-key"], c.req);
    return c.text(`Item: ${item_id} stock updated to: ${await service.subtract(item_id, amount, once)}`, 200);
  });
  app.openapi(stockRoutes.health, (c) => answerHealth(c, () => service.ping()));
  return app;
}

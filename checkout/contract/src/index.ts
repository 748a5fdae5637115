/** The HTTP contract of the checkout system: routes, schemas, errors, OpenAPI. @module */
export * from "./account-service.ts";
export * from "./answers.ts";
export * from "./body-limit.ts";
export * from "./fault-routes.ts";
export * from "./fields.ts";
export * from "./health.ts";
export * from "./idempotency-key.ts";
export * from "./openapi.ts";
export * from "./order-routes.ts";
export * from "./payment-routes.ts";
export * from "./problem.ts";
export * from "./request-path.ts";
export * from "./seeding.ts";
export * from "./service-app.ts";
export * from "./stock-routes.ts";

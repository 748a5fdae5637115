-- The application's own tables: three schemas that share nothing. Safe to run again.
CREATE SCHEMA IF NOT EXISTS orders;
CREATE TABLE IF NOT EXISTS orders.products (item text PRIMARY KEY, price integer NOT NULL);
CREATE TABLE IF NOT EXISTS orders.orders (
  id text PRIMARY KEY,
  customer text NOT NULL,
  item text NOT NULL REFERENCES orders.products,
  quantity integer NOT NULL,
  total integer NOT NULL,
  state text NOT NULL DEFAULT 'open'
);

CREATE SCHEMA IF NOT EXISTS stock;
CREATE TABLE IF NOT EXISTS stock.items (
  item text PRIMARY KEY,
  received integer NOT NULL,
  free integer NOT NULL CHECK (free >= 0)
);
CREATE TABLE IF NOT EXISTS stock.takings (
  branch text PRIMARY KEY,
  order_id text NOT NULL,
  item text NOT NULL REFERENCES stock.items,
  quantity integer NOT NULL,
  state text NOT NULL
);

CREATE SCHEMA IF NOT EXISTS payment;
CREATE TABLE IF NOT EXISTS payment.accounts (
  customer text PRIMARY KEY,
  deposited integer NOT NULL,
  balance integer NOT NULL CHECK (balance >= 0)
);
CREATE TABLE IF NOT EXISTS payment.charges (
  branch text PRIMARY KEY,
  order_id text NOT NULL,
  customer text NOT NULL REFERENCES payment.accounts,
  amount integer NOT NULL,
  state text NOT NULL
);

INSERT INTO orders.products VALUES ('chair', 40), ('lamp', 15) ON CONFLICT DO NOTHING;
INSERT INTO stock.items VALUES ('chair', 50, 50), ('lamp', 1000, 1000) ON CONFLICT DO NOTHING;
INSERT INTO payment.accounts VALUES ('ann', 5000, 5000), ('bob', 100, 100) ON CONFLICT DO NOTHING;

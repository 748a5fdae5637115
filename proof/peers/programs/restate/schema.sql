-- Beside the flights: the primary key is the idempotency key.
CREATE TABLE bookings (id text PRIMARY KEY, flight text NOT NULL, seats integer NOT NULL);
-- Beside the wallets.
CREATE TABLE payments (id text PRIMARY KEY, owner text NOT NULL, total integer NOT NULL);

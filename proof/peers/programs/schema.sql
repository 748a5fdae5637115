-- The flights' database.
CREATE TABLE flights (name text PRIMARY KEY, free integer NOT NULL CHECK (free >= 0), sold integer NOT NULL);
-- The wallets' database.
CREATE TABLE wallets (owner text PRIMARY KEY, credit integer NOT NULL CHECK (credit >= 0), spent integer NOT NULL);

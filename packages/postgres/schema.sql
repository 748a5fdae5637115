-- The tables of @assent/postgres, in the schema that is first on the search path. Safe to run again.
-- Times are epoch milliseconds. Names compare by their bytes, in every locale.

-- One row for each transaction: who drives it, and how it stands.
CREATE TABLE IF NOT EXISTS assent_transactions (
  coordinator text COLLATE "C" NOT NULL,
  tx_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  definition text NOT NULL,
  definition_hash bigint NOT NULL,
  protocol text NOT NULL,
  state text NOT NULL,
  owner text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  begun_at bigint NOT NULL,
  deadline_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  reason text,
  rebuilt boolean,
  parked_reason text,
  parked_since bigint,
  parked_attempts bigint,
  -- From when it may be removed (P7); null until it has ended.
  removable_at bigint,
  input json NOT NULL,
  -- The audit trail in short; assent_history shows it.
  trail json NOT NULL,
  -- What a later version of the library keeps besides.
  more json,
  PRIMARY KEY (coordinator, tx_id)
);

CREATE INDEX IF NOT EXISTS assent_transactions_unfinished
  ON assent_transactions (coordinator, owner, deadline_at, tx_id)
  WHERE state IN ('active', 'committing', 'aborting');

CREATE INDEX IF NOT EXISTS assent_transactions_removable
  ON assent_transactions (coordinator, removable_at, tx_id)
  WHERE removable_at IS NOT NULL;

-- One row for each key: its latest attempt, and what became of it.
CREATE TABLE IF NOT EXISTS assent_rows (
  coordinator text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  incarnation text COLLATE "C" NOT NULL,
  attempt bigint NOT NULL,
  outcome text NOT NULL,
  definition text,
  reason text,
  fields json NOT NULL,
  more json,
  PRIMARY KEY (coordinator, key)
);

-- Who is alive, and who sweeps.
CREATE TABLE IF NOT EXISTS assent_leases (
  coordinator text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  holder text COLLATE "C" NOT NULL,
  counter bigint NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (coordinator, name)
);

-- One row for each branch of a service. A row is written in the transaction of its business effect.
CREATE TABLE IF NOT EXISTS assent_branches (
  service text COLLATE "C" NOT NULL,
  tx_id text COLLATE "C" NOT NULL,
  branch_id text COLLATE "C" NOT NULL,
  protocol text NOT NULL,
  -- Never 'none' outside of the transaction that makes the row.
  state text NOT NULL,
  epoch bigint NOT NULL,
  begun_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  payload_hash bigint,
  refusal text,
  forgotten boolean NOT NULL,
  -- From when it asks what became of its transaction (P6), or may be removed (P7).
  asks_at bigint,
  removable_at bigint,
  payload json,
  memo json,
  output json,
  origin text,
  more json,
  PRIMARY KEY (service, tx_id, branch_id)
);

CREATE INDEX IF NOT EXISTS assent_branches_asking
  ON assent_branches (service, asks_at)
  WHERE asks_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS assent_branches_removable
  ON assent_branches (service, removable_at)
  WHERE removable_at IS NOT NULL;

-- What each write of a transaction did, oldest first: who has it from then on, and from whom it was taken over.
CREATE OR REPLACE VIEW assent_history AS
SELECT
  t.coordinator,
  t.tx_id,
  t.key,
  line.number AS entry,
  to_timestamp((t.begun_at + (line.value ->> 0)::bigint) / 1000.0) AS at,
  CASE WHEN line.value ->> 1 IN ('commit', 'abort') THEN 'decided' ELSE line.value ->> 1 END AS event,
  CASE WHEN line.value ->> 1 IN ('commit', 'abort') THEN line.value ->> 1 END AS decision,
  CASE line.value ->> 1 WHEN 'abort' THEN line.value ->> 2 WHEN 'parked' THEN line.value ->> 2
    WHEN 'rebuilt' THEN line.value ->> 3 END AS reason,
  CASE line.value ->> 1 WHEN 'rebuilt' THEN line.value ->> 2 END AS state,
  coalesce(later.owner, t.owner) AS owner,
  coalesce(later.epoch, t.epoch) AS epoch,
  CASE line.value ->> 1 WHEN 'taken_over' THEN line.value ->> 2 END AS from_owner,
  CASE line.value ->> 1 WHEN 'taken_over' THEN (line.value ->> 3)::bigint END AS from_epoch,
  CASE line.value ->> 1 WHEN 'left_out' THEN (line.value ->> 2)::bigint END AS left_out
FROM assent_transactions t
CROSS JOIN LATERAL json_array_elements(t.trail) WITH ORDINALITY AS line (value, number)
-- A line names the owner before it, so the owner after a line is named by the next change of owner.
LEFT JOIN LATERAL (
  SELECT next.value ->> (json_array_length(next.value) - 2) AS owner,
    (next.value ->> (json_array_length(next.value) - 1))::bigint AS epoch
  FROM json_array_elements(t.trail) WITH ORDINALITY AS next (value, number)
  WHERE next.number > line.number
    AND (next.value ->> 1 = 'taken_over' OR (next.value ->> 1 = 'left_out' AND json_array_length(next.value) = 5))
  ORDER BY next.number
  LIMIT 1
) AS later ON true;

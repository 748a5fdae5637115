// A PostgreSQL server of one test file, and databases on it that share nothing.
import { type PostgresOptions, postgresUser, type ServerProcess, startPostgres } from "@assent/local-servers";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import postgres, { type Sql } from "postgres";

export class TestServer {
  readonly process: ServerProcess;
  readonly #folder: string;
  readonly #pools = new Set<Pool>();
  readonly #sqls = new Set<Sql>();
  #schemas = 0;

  private constructor(process: ServerProcess, folder: string) {
    this.process = process;
    this.#folder = folder;
  }

  static async start(options: Omit<PostgresOptions, "folder"> = {}): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "assent-postgres-"));
    return new TestServer(await startPostgres({ ...options, folder }), folder);
  }

  get url(): string {
    return `postgres://${postgresUser}@127.0.0.1:${this.process.port}/postgres`;
  }

  pool(max = 10): Pool {
    const pool = new Pool({ connectionString: this.url, max });
    pool.on("error", () => undefined);
    this.#pools.add(pool);
    return pool;
  }

  /** A `sql` of postgres.js. */
  sql(max = 10): Sql {
    const sql = postgres(this.url, { max, onnotice: () => undefined });
    this.#sqls.add(sql);
    return sql;
  }

  /** A schema that nobody has yet, with nothing in it. */
  async schema(pool: Pool): Promise<string> {
    this.#schemas += 1;
    const name = `test_${this.#schemas}`;
    await pool.query(`CREATE SCHEMA ${name}`);
    return name;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pools].map((pool) => pool.end()));
    await Promise.all([...this.#sqls].map((sql) => sql.end()));
    await this.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

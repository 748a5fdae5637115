// Restate is a server that calls services: the flights, the wallet and the trips, each a process.
import { freePort } from "@assent/local-servers";
import { join } from "node:path";
import type { Outcome, Peer, Places, Role, Trip } from "./peer.ts";
import { databaseUrl, until } from "./peer.ts";
import { Program } from "./program.ts";

const services = ["flights", "wallet", "trips"] as const;
type Service = (typeof services)[number];

export class RestatePeer implements Peer {
  readonly name = "Restate";
  readonly roles = { service: "the process of the flights", orchestrator: "the server of Restate" };
  readonly #programs = new Map<Service | "server", Program>();
  readonly #ports = new Map<Service | "ingress" | "admin" | "node", number>();
  #places: Places | undefined;

  async start(places: Places): Promise<void> {
    this.#places = places;
    for (const name of ["ingress", "admin", "node", ...services] as const) this.#ports.set(name, await freePort());
    for (const service of services) this.#startService(service);
    this.#startServer();
    await this.#ready();
    for (const service of services) await this.#register(service);
  }

  async book(key: string, trip: Trip): Promise<Outcome> {
    const response = await fetch(`${this.#url("ingress")}/trips/book`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(trip),
    });
    if (response.ok) return (await response.json()) as Outcome;
    return { status: `HTTP ${response.status}`, reason: await response.text() };
  }

  async kill(role: Role): Promise<void> {
    await this.#programs.get(role === "service" ? "flights" : "server")?.kill();
  }

  async restart(role: Role): Promise<void> {
    if (role === "service") return this.#startService("flights");
    this.#startServer();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.kill()));
  }

  printed(name: Service | "server"): string {
    return this.#programs.get(name)?.printed ?? "";
  }

  #url(name: Service | "ingress" | "admin"): string {
    return `http://127.0.0.1:${this.#ports.get(name)}`;
  }

  #placesNow(): Places {
    if (this.#places === undefined) throw new Error("not started");
    return this.#places;
  }

  #startService(service: Service): void {
    const { folder, flightsPort, walletPort } = this.#placesNow();
    const environment = {
      PORT: String(this.#ports.get(service)),
      FLIGHTS_URL: databaseUrl(flightsPort, "flights"),
      WALLET_URL: databaseUrl(walletPort, "wallet"),
    };
    const program = Program.start({ command: process.execPath, args: [`${service}.ts`], folder, environment });
    this.#programs.set(service, program);
  }

  #startServer(): void {
    const { folder } = this.#placesNow();
    const at = (name: "ingress" | "admin" | "node"): string => `127.0.0.1:${this.#ports.get(name)}`;
    const environment = {
      RESTATE_BASE_DIR: join(folder, "restate-data"),
      RESTATE_INGRESS__BIND_ADDRESS: at("ingress"),
      RESTATE_ADMIN__BIND_ADDRESS: at("admin"),
      RESTATE_BIND_ADDRESS: at("node"),
      RESTATE_LISTEN_MODE: "tcp",
      DO_NOT_TRACK: "1",
    };
    const binary = join(
      folder,
      `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
    );
    this.#programs.set("server", Program.start({ command: binary, args: ["--no-logo"], folder, environment }));
  }

  async #ready(): Promise<void> {
    for (const name of ["admin", "ingress"] as const) {
      const path = name === "admin" ? "/health" : "/restate/health";
      await until(`${name} answers`, () => answers(`${this.#url(name)}${path}`));
    }
  }

  /** Without `force` the server keeps what it has; a service that does not listen yet is asked again. */
  async #register(service: Service): Promise<void> {
    await until(`${service} is registered`, async () => {
      const response = await fetch(`${this.#url("admin")}/deployments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri: this.#url(service) }),
      });
      return response.ok || undefined;
    });
  }
}

async function answers(url: string): Promise<true | undefined> {
  try {
    return (await fetch(url)).ok || undefined;
  } catch {
    // It does not listen yet.
    return undefined;
  }
}

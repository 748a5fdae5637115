import { type Endpoint, lengthenTurns, transportSuite } from "@assent/conformance";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe } from "node:test";
import { HttpHandler } from "./http-handler.ts";
import { HttpTransport } from "./http-transport.ts";
import { nodeListener } from "./node-listener.ts";
import type { HttpCredentials } from "./seal.ts";

const credentials: Readonly<Record<string, HttpCredentials>> = {
  "a bearer token": { bearer: "0123456789abcdef0123456789abcdef" },
  signatures: { secret: "0123456789abcdef0123456789abcdef" },
};

for (const [name, chosen] of Object.entries(credentials)) {
  describe(name, () => {
    transportSuite((clock) => {
      const servers: Server[] = [];
      const shorten = lengthenTurns();
      return {
        adapter: {
          async connect(endpoints: Readonly<Record<string, Endpoint>>) {
            const handler = new HttpHandler({ credentials: chosen, now: () => clock.now() });
            for (const [service, endpoint] of Object.entries(endpoints))
              handler.serveCommands(service, endpoint, () => undefined);
            const server = createServer(nodeListener(handler.fetch));
            servers.push(server);
            await new Promise<void>((resolve) => {
              server.listen(0, "127.0.0.1", resolve);
            });
            const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/assent`;
            const urls = Object.fromEntries([...Object.keys(endpoints), "absent"].map((each) => [each, url]));
            return new HttpTransport({ urls, credentials: chosen, clock, schedule: setImmediate });
          },
        },
        async close() {
          shorten();
          for (const server of servers) {
            server.closeAllConnections();
            await new Promise((resolve) => {
              server.close(resolve);
            });
          }
        },
      };
    });
  });
}

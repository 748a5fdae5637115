import { lengthenTurns, transportSuite } from "@assent/conformance";
import { systemRandom } from "assent/node";
import { after, before, describe } from "node:test";
import { Broker } from "../test-kit/broker.ts";
import type { NatsBus } from "./nats-bus.ts";

let broker: Broker;

before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

for (const delivery of ["jetstream", "core"] as const) {
  describe(delivery, () => {
    transportSuite((clock) => {
      const prefix = systemRandom.name();
      const buses: NatsBus[] = [];
      const shorten = lengthenTurns();
      return {
        adapter: {
          async connect(endpoints) {
            const [services, sender] = await Promise.all([
              broker.bus({ delivery, prefix, clock }),
              broker.bus({ delivery, prefix, clock }),
            ]);
            buses.push(services, sender);
            const served = Object.entries(endpoints).map(([name, endpoint]) => services.serveCommands(name, endpoint));
            await Promise.all(served);
            return sender;
          },
        },
        async close() {
          shorten();
          await Promise.all(buses.map((bus) => bus.close()));
          await broker.forget(prefix);
        },
      };
    });
  });
}

import { transportSuite } from "@assent/conformance";
import { MemoryTransport } from "./memory-transport.ts";

transportSuite((clock) => ({
  adapter: { connect: (endpoints) => new MemoryTransport({ endpoints, clock, schedule: setImmediate }) },
  close: () => undefined,
}));

// The same service, booked over each framework, with the routes of the application beside it.
import { serve as serveHono } from "@hono/node-server";
import { coordinator, transaction } from "assent";
import { http, type HttpBus } from "assent/http";
import { memory } from "assent/memory";
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { test } from "node:test";
import { z } from "zod";
import { inExpress } from "./in-express.ts";
import { inFastify } from "./in-fastify.ts";
import { inHono } from "./in-hono.ts";
import { rooms, serveRooms } from "./rooms.ts";

const credentials = { secret: "0123456789abcdef0123456789abcdef" };
const bookRoom = transaction("book_room", {
  input: z.object({ people: z.int() }),
  steps: ({ people }) => ({ room: rooms.book({ people }) }),
});

const frameworks: Readonly<Record<string, (bus: HttpBus) => Promise<Server>>> = {
  hono: async (bus) => serveHono({ fetch: inHono(bus).fetch, port: 0, hostname: "127.0.0.1" }) as Server,
  express: async (bus) => inExpress(bus).listen(0, "127.0.0.1"),
  async fastify(bus) {
    const app = inFastify(bus);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server;
  },
};

for (const [name, mount] of Object.entries(frameworks)) {
  test(`${name}: a transaction books over it, beside the application's own routes`, async (context) => {
    const serving = http({ urls: {}, credentials });
    await using _rooms = await serveRooms(serving);
    const server = await mount(serving);
    context.after(() => server.close());
    if (!server.listening) await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const bus = http({ urls: { rooms: `${url}/assent` }, credentials });
    await using booking = await coordinator({ name: "booking", log: memory(), bus, transactions: [bookRoom] });
    assert.equal((await booking.run(bookRoom, "smith", { people: 3 })).kind, "committed");
    const full = await booking.run(bookRoom, "jones", { people: 2 });
    assert.deepEqual([full.kind, full.kind === "aborted" && full.reason], ["aborted", "full"]);
    assert.equal(await (await fetch(`${url}/health`)).text(), "ok");
    const unsigned = await fetch(`${url}/assent/commands/rooms`, { method: "POST", body: "{}" });
    assert.equal(unsigned.status, 401);
  });
}

// The service that is mounted, and how it is served: the framework needs only the `bus`.
import { serve, type Served, service, type ServiceHandlers } from "assent";
import type { HttpBus } from "assent/http";
import { memory } from "assent/memory";
import { z } from "zod";

const actions = { book: { input: z.object({ people: z.int().min(1) }), refusals: ["full"] } } as const;
export const rooms = service("rooms", actions);

const handlers: ServiceHandlers<typeof actions, Map<string, number>> = {
  book: {
    do({ db, input, refuse }) {
      const free = db.get("free") ?? 0;
      if (free < input.people) refuse("full");
      db.set("free", free - input.people);
    },
    undo: ({ db, input }) => void db.set("free", (db.get("free") ?? 0) + input.people),
  },
};

export function serveRooms(bus: HttpBus): Promise<Served> {
  return serve(rooms, { store: memory([["free", 4]]), bus }, handlers);
}

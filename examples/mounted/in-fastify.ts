// Fastify: the listener of Node over the raw request, which reads the body itself. So the scope has no body parser.
import type { HttpBus } from "assent/http";
import fastify, { type FastifyInstance } from "fastify";

export function inFastify(bus: HttpBus): FastifyInstance {
  const app = fastify();
  app.get("/health", () => "ok");
  app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, parsed) => parsed(null));
    scope.post("/assent/*", (request, reply) => {
      reply.hijack();
      bus.listener(request.raw, reply.raw);
    });
    done();
  });
  return app;
}

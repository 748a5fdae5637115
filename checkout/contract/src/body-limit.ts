// The largest request body. Only fault rules have a body that is read.
import { bodyLimit } from "hono/body-limit";
import { Problem } from "./problem.ts";
import { answerProblem } from "./service-app.ts";

/** Bytes. */
export const bodyBytesMax = 65_536;

export const bodyTooLarge: Problem = new Problem(
  "body_too_large",
  `The body is larger than ${bodyBytesMax} bytes. Nothing was changed.`,
);

/** For a route that reads its body, in any encoding. */
export const limitedBody: ReturnType<typeof bodyLimit> = bodyLimit({
  maxSize: bodyBytesMax,
  onError: (context) => answerProblem(context, bodyTooLarge),
});

// The canonical text of a message in flight. It also appears in traces.
import { answerText, eventText, lifeText, writeText } from "./canonical.ts";
import type { Message } from "./world-state.ts";
import { begunAt, branchName } from "./world.ts";

export type Unkeyed<Part> = Part extends Message ? Omit<Part, "key"> : never;

export function keyOfMessage(message: Unkeyed<Message>): string {
  switch (message.kind) {
    case "command": {
      const { verb, protocol, epoch, begunAt: begun } = message.command;
      const from = message.from === "" ? "" : ` from ${message.from}`;
      return `${verb} ${protocol} ${branchName(message.branch)} @${epoch - begunAt}${lifeText(begun)}${from}`;
    }
    case "reply":
      return `answer ${message.verb} ${branchName(message.branch)} ${answerText(message.answer)} to ${message.to}`;
    case "write":
      return `write ${writeText(message.write)}${message.from === "" ? ", abandoned" : ""}`;
    case "written":
      return `wrote ${writeText(message.write)} ${eventText(message.event)} to ${message.to}`;
    case "timer":
      return `timer ${message.to} ${eventText(message.event)}`;
    case "reread":
      return `reread by ${message.process}${message.seenEpoch === 0 ? "" : ` seen @${message.seenEpoch - begunAt}`}`;
    case "question": {
      const { protocol, epoch, begunAt: begun } = message;
      return `question ${protocol} ${branchName(message.branch)} @${epoch - begunAt}${lifeText(begun)}`;
    }
    case "ruling": {
      const { decision, epoch, ended, protocol, begunAt: begun } = message.ruling;
      const to = branchName(message.branch);
      return `ruling ${protocol} ${to} ${decision} @${epoch - begunAt}${lifeText(begun)}${ended ? " ended" : ""}`;
    }
  }
}

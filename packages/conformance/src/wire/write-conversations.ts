// `npm run wire`: writes the conversations that participants in other languages are tested with.
import { writeFileSync } from "node:fs";
import { conversationsFile, conversationsText } from "./conversations-file.ts";

writeFileSync(conversationsFile, conversationsText());

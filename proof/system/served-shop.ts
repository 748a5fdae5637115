// The system shared by the tests of one file: started before the first of them, and stopped after the last.
import { serveSomewhere, type ServeOptions, temporaryFolder } from "@assent/topology";
import { after, before } from "node:test";

/** @returns its address, once the tests run */
export function servedShop(options: Omit<ServeOptions, "dataFolder"> = {}): { readonly url: string } {
  const folder = temporaryFolder();
  const shop = { url: "" };
  let stop: () => Promise<unknown> = () => Promise.resolve();
  before(async () => {
    const served = await serveSomewhere({ dataFolder: folder.path, ...options });
    shop.url = served.url;
    stop = () => served.stop();
  });
  after(async () => {
    await stop();
    folder.remove();
  });
  return shop;
}

// How the order service asks stock for the price of an item: the id as text, and the price in JSON, or null.

export const priceTopic = "stock-price";

export function encodePrice(price: number | undefined): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(price ?? null));
}

/** Null where there is no such item, undefined where the message says nothing that can be read: no answer (M3). */
export function decodePrice(message: Uint8Array): number | null | undefined {
  try {
    const price: unknown = JSON.parse(new TextDecoder().decode(message));
    return price === null || (Number.isSafeInteger(price) && Number(price) >= 0) ? (price as number | null) : undefined;
  } catch {
    return undefined;
  }
}

// Requests of the order service for the price of an item: the item id as text, and the price as JSON, or null.

export const priceTopic = "stock-price";

export function encodePrice(price: number | undefined): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(price ?? null));
}

/** Null if the item does not exist, undefined if the message is malformed: no answer (M3). */
export function decodePrice(message: Uint8Array): number | null | undefined {
  try {
    const price: unknown = JSON.parse(new TextDecoder().decode(message));
    if (price === null) return null;
    return typeof price === "number" && Number.isSafeInteger(price) && price >= 0 ? price : undefined;
  } catch {
    return undefined;
  }
}

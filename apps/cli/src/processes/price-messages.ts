// How the order service asks stock for the price of an item: the id as text, and the price in JSON, or null.

export const priceTopic = "stock-price";

export function encodePrice(price: number | undefined): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(price ?? null));
}

export function decodePrice(message: Uint8Array): number | undefined {
  const price: unknown = JSON.parse(new TextDecoder().decode(message));
  return typeof price === "number" ? price : undefined;
}

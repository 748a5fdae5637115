// The fields of paths and bodies: accepted values, and their names in error messages.
import { z } from "@hono/zod-openapi";
import { amountMax, amountMin } from "assent/internal/protocol";

export const idLengthMax = 64;
/** Most rows seeded by one request. */
export const seedCountMax = 1_000_000;
/** Two items of a seeded order may cost as much as one payment may move. */
export const seedPriceMax: number = amountMax / 2;

/** An id made by us or by a client: letters, digits, dot, dash, underscore, tilde. */
export const id = (name: string): z.ZodString =>
  z
    .string()
    .regex(
      new RegExp(`^[A-Za-z0-9._~-]{1,${idLengthMax}}$`),
      `must be 1 to ${idLengthMax} of the characters A-Z a-z 0-9 . _ ~ -`,
    )
    .openapi({ param: { name, in: "path" }, example: "0" });

/** A whole number in a path, written in plain digits: no sign, no underscore, no exponent. */
export const wholeNumber = (
  name: string,
  { min, max, below }: { min: number; max: number; below?: string },
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> =>
  z
    .string()
    .refine((text) => below === undefined || !/^-?\d+$/.test(text) || Number(text) >= min, {
      error: below,
      abort: true,
    })
    .regex(/^\d{1,16}$/, `must be a whole number from ${min} to ${max}, in digits`)
    .refine((text) => Number(text) >= min && Number(text) <= max, `must be from ${min} to ${max}`)
    .transform(Number)
    .openapi({ param: { name, in: "path" }, type: "integer", minimum: min, maximum: max, example: min });

/** An error message in the words of the contract, which names the field itself. */
export const quantityNotPositive = "Quantity must be positive";

/** How many units of an item are added. */
export const itemQuantity = (name: string): ReturnType<typeof wholeNumber> =>
  wholeNumber(name, { min: amountMin, max: amountMax, below: quantityNotPositive });

/** A withdrawn amount: at least 1. */
export const amount = (name: string): ReturnType<typeof wholeNumber> =>
  wholeNumber(name, { min: amountMin, max: amountMax });

/** A price, an initial balance, or an added amount, where 0 changes nothing: at least 0. */
export const quantityFromZero = (name: string): ReturnType<typeof wholeNumber> =>
  wholeNumber(name, { min: 0, max: amountMax });

export const seedCount = (name: string, min = 0): ReturnType<typeof wholeNumber> =>
  wholeNumber(name, { min, max: seedCountMax });

import { LighterError } from "#base";

const powers = "bkmgtp";

/** Docker's sizes, in powers of 1024: `512m`, `1.5g`, `64M`, `1gb`, `100`. @throws USAGE */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgtp])?(?:i?b)?$/i.exec(text.trim());
  if (match === null)
    throw new LighterError("USAGE", `cannot read size "${text}": want 512m, 1g, 100k or the like`);
  const power = powers.indexOf((match[2] ?? "b").toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

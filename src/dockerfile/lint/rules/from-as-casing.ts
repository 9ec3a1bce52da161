import { buildCheck } from "../rule.ts";

export const fromAsCasing = buildCheck({
  name: "FromAsCasing",
  description: "The 'as' keyword should match the case of the 'from' keyword",
  format: (from: string, as: string) => `'${as}' and '${from}' keywords' casing do not match`,
});

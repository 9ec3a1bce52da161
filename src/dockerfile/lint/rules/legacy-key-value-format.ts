import { buildCheck } from "../rule.ts";

export const legacyKeyValueFormat = buildCheck({
  name: "LegacyKeyValueFormat",
  description: "Legacy key/value format with whitespace separator should not be used",
  format: (instruction: string) =>
    `"${instruction} key=value" should be used instead of legacy "${instruction} key value" format`,
});

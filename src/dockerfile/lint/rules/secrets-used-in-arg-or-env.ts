import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const secretsUsedInArgOrEnv = buildCheck({
  name: "SecretsUsedInArgOrEnv",
  description: "Sensitive data should not be used in the ARG or ENV commands",
  format: (instruction: string, key: string) =>
    `Do not use ARG or ENV instructions for sensitive data (${instruction} ${quote(key)})`,
});

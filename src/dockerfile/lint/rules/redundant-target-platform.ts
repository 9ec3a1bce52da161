import { buildCheck } from "../rule.ts";

export const redundantTargetPlatform = buildCheck({
  name: "RedundantTargetPlatform",
  description:
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
  format: (variable: string) =>
    `Setting platform to predefined ${variable} in FROM is redundant as this is the default behavior`,
});

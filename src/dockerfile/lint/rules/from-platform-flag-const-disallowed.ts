import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const fromPlatformFlagConstDisallowed = buildCheck({
  name: "FromPlatformFlagConstDisallowed",
  description: "FROM --platform flag should not use a constant value",
  format: (platform: string) => `FROM --platform flag should not use constant value ${quote(platform)}`,
});

import { buildCheck } from "../rule.ts";

export const exposeProtoCasing = buildCheck({
  name: "ExposeProtoCasing",
  description: "Protocol in EXPOSE instruction should be lowercase",
  format: (port: string) => `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
});

import { buildCheck } from "../rule.ts";

export const jsonArgsRecommended = buildCheck({
  name: "JSONArgsRecommended",
  description:
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
  format: (instruction: string) =>
    `JSON arguments recommended for ${instruction} to prevent unintended behavior related to OS signals`,
});

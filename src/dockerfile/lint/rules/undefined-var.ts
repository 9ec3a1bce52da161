import { buildCheck } from "../rule.ts";

export const undefinedVar = buildCheck({
  name: "UndefinedVar",
  description: "Variables should be defined before their use",
  format: (name: string, suggestion: string) =>
    `Usage of undefined variable '$${name}'${suggestion && ` (did you mean $${suggestion}?)`}`,
});

import { buildCheck } from "../rule.ts";

export const undefinedArgInFrom = buildCheck({
  name: "UndefinedArgInFrom",
  description: "FROM command must use declared ARGs",
  format: (arg: string, suggestion: string) =>
    `FROM argument '${arg}' is not declared${suggestion && ` (did you mean ${suggestion}?)`}`,
});

import { buildCheck } from "../rule.ts";

export const invalidDefaultArgInFrom = buildCheck({
  name: "InvalidDefaultArgInFrom",
  description: "Default value for global ARG results in an empty or invalid base image name",
  format: (baseName: string) =>
    `Default value for ARG ${baseName} results in empty or invalid base image name`,
});

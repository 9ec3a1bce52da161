import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const copyIgnoredFile = buildCheck({
  name: "CopyIgnoredFile",
  description: "Attempting to Copy file that is excluded by .dockerignore",
  format: (command: string, file: string) =>
    `Attempting to ${command} file ${quote(file)} that is excluded by .dockerignore`,
});

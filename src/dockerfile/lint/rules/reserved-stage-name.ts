import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const reservedStageName = buildCheck({
  name: "ReservedStageName",
  description: "Reserved words should not be used as stage names",
  format: (stageName: string) =>
    `Stage name should not use the same name as reserved stage ${quote(stageName)}`,
});

import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const duplicateStageName = buildCheck({
  name: "DuplicateStageName",
  description: "Stage names should be unique",
  format: (stageName: string) => `Duplicate stage name ${quote(stageName)}, stage names should be unique`,
});

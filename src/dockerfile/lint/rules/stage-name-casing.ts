import { buildCheck } from "../rule.ts";

export const stageNameCasing = buildCheck({
  name: "StageNameCasing",
  description: "Stage names should be lowercase",
  format: (stageName: string) => `Stage name '${stageName}' should be lowercase`,
});

import { buildCheck } from "../rule.ts";

export const noEmptyContinuation = buildCheck({
  name: "NoEmptyContinuation",
  description: "Empty continuation lines will become errors in a future release",
  format: () => "Empty continuation line",
});

import { buildCheck } from "../rule.ts";

export const multipleInstructionsDisallowed = buildCheck({
  name: "MultipleInstructionsDisallowed",
  description: "Multiple instructions of the same type should not be used in the same stage",
  format: (instruction: string) =>
    `Multiple ${instruction} instructions should not be used in the same stage because only the last one will be used`,
});

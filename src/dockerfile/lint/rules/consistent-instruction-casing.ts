import { buildCheck } from "../rule.ts";

export const consistentInstructionCasing = buildCheck({
  name: "ConsistentInstructionCasing",
  description: "All commands within the Dockerfile should use the same casing (either upper or lower)",
  format: (command: string, casing: string) =>
    `Command '${command}' should match the case of the command majority (${casing})`,
});

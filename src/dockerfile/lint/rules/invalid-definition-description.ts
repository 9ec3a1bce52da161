import { buildCheck } from "../rule.ts";

export const invalidDefinitionDescription = buildCheck({
  name: "InvalidDefinitionDescription",
  description:
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
  experimental: true,
  format: (instruction: string, name: string) =>
    `Comment for ${instruction} should follow the format: \`# ${name} <description>\``,
});

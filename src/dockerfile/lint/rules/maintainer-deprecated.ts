import { buildCheck } from "../rule.ts";

export const maintainerDeprecated = buildCheck({
  name: "MaintainerDeprecated",
  description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
  format: () => "Maintainer instruction is deprecated in favor of using label",
});

import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const invalidBaseImagePlatform = buildCheck({
  name: "InvalidBaseImagePlatform",
  description: "Base image platform does not match expected target platform",
  url: "",
  format: (image: string, expected: string, actual: string) =>
    `Base image ${image} was pulled with platform ${quote(actual)}, expected ${quote(expected)} for current build`,
});
